"""Counts refused clicks without making them wait: in memory, added to the table every few seconds.

A process that is killed loses the counts of its last seconds; nothing but statistics depends on them.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from calling_pipeline import days
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.telephony.refusals import store

EVERY_S = 5.0


class RefusalCounts:
    """The counts of one process."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, dt.datetime, str]] = Counter()
        self._guard = threading.Lock()
        self._written = time.monotonic()

    def note(self, tenant_id: int, rule: str) -> bool:
        """Count one refused click; True when the counts are due to be written."""
        hour = days.now().replace(minute=0, second=0, microsecond=0)
        with self._guard:
            self._counts[tenant_id, hour, rule] += 1
            due = time.monotonic() - self._written > EVERY_S
            if due:
                self._written = time.monotonic()
            return due

    def write(self, transaction: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        """Add what was counted to the table; kept for the next time when the database is lost."""
        with self._guard:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with transaction() as connection:
                store.add(connection, counts)
        except (SQLAlchemyError, DatabaseUnavailable):
            with self._guard:
                self._counts += counts
