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
AGAIN_S = 10.0
"""A collector who is refused again within so many seconds has clicked again and again. Each process sees its own clicks."""

Place = tuple[int, dt.datetime, str]
"""Tenant, hour and rule."""


class RefusalCounts:
    """The counts of one process. `clock` gives seconds that only go on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts: Counter[Place] = Counter()
        self._again: Counter[Place] = Counter()
        self._refused: dict[tuple[int, int], float] = {}
        self._guard = threading.Lock()
        self._clock = clock
        self._written = clock()

    def note(self, tenant_id: int, collector_id: int, rule: str) -> bool:
        """Count one refused click of a collector; True when the counts are due to be written."""
        hour = days.now().replace(minute=0, second=0, microsecond=0)
        at = self._clock()
        with self._guard:
            self._counts[tenant_id, hour, rule] += 1
            before = self._refused.get((tenant_id, collector_id))
            self._refused[tenant_id, collector_id] = at
            if before is not None and at - before <= AGAIN_S:
                self._again[tenant_id, hour, rule] += 1
            due = at - self._written > EVERY_S
            if due:
                self._written = at
                self._refused = {who: when for who, when in self._refused.items() if at - when <= AGAIN_S}
            return due

    def write(self, transaction: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        """Add what was counted to the table; kept for the next time when the database is lost."""
        with self._guard:
            counts, self._counts = self._counts, Counter()
            again, self._again = self._again, Counter()
        if not counts:
            return
        try:
            with transaction() as connection:
                store.add(connection, counts, again)
        except (SQLAlchemyError, DatabaseUnavailable):
            with self._guard:
                self._counts += counts
                self._again += again
