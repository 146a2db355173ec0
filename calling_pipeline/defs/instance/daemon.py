"""Dagster's daemon, loaded while the code servers still start: `python -m …instance.daemon WORKSPACE [HOST:PORT …]`.

It begins when these code servers take connections: a daemon that is there earlier finds no code, and looks again a minute
later.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence

# s; read when Dagster's modules are imported. A run whose process died, and an asset that was not materialized in time, are
# noticed by so much later; nobody waits for either.
os.environ.setdefault("DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS", "15")
os.environ.setdefault("FRESHNESS_DAEMON_INTERVAL_SECONDS", "120")

from dagster._daemon.cli import run_command

from calling_pipeline.settings import load

_PATIENCE_S = 120.0


def wait_for(servers: Sequence[str]) -> None:
    """Wait until each takes connections; after `_PATIENCE_S` the daemon shall say itself what is missing."""
    deadline = time.monotonic() + _PATIENCE_S
    waiting = list(servers)
    while waiting and time.monotonic() < deadline:
        host, _, port = waiting[0].rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
        except OSError:
            time.sleep(0.05)
        else:
            waiting.pop(0)


if __name__ == "__main__":
    wait_for(sys.argv[2:])
    form = ["--log-format", "json"] if load().log_format == "json" else []
    run_command(["-w", sys.argv[1], *form], prog_name="dagster-daemon run", standalone_mode=True)
