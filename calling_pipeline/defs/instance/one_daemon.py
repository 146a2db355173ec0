"""One daemon for one instance, whatever starts it: two would start every run twice.

Each of a daemon's threads says that it lives before it does anything else. There the process must hold a session lock in
Dagster's database, which PostgreSQL frees when the process ends. Without it the process ends at once, with a sentence.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time

import psycopg

from calling_pipeline.analysis.dagster_storage.store import DAEMON_LOCK
from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.database.engine import business_url

PATIENCE_S = 15.0
"""How long the daemon before may take to end: longer than a restart of a service, or a killed one's connection here."""
REFUSED = (
    "another Dagster daemon works on this instance; a second one would start every run twice, so this one ends. Stop the"
    " other first: `make down` ends what `calling-pipeline up` runs"
)
_LOG = logging.getLogger(__name__)
_guard = threading.Lock()
_locks: dict[str, SessionLock] = {}


def be_the_daemon(url: str) -> None:
    """Hold the lock of the instance whose database is at `url`, or end this process with status 1."""
    with _guard:
        lock = _locks.setdefault(url, SessionLock(business_url(url), DAEMON_LOCK))
        deadline = time.monotonic() + PATIENCE_S
        while not _held(lock):
            if time.monotonic() > deadline:
                sys.stderr.write(f"{REFUSED}\n")
                sys.stderr.flush()
                os._exit(1)  # its other threads wait for this lock: none has begun anything
            time.sleep(0.2)


def _held(lock: SessionLock) -> bool:
    """Whether the lock is ours now; so it is too while the database cannot be reached, where nobody can do anything."""
    try:
        return lock.holds() or lock.take()
    except psycopg.Error as error:
        _LOG.warning("the lock of the daemon cannot be held: %s", str(error).splitlines()[0])
        return True
