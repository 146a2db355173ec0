"""Counts and durations that a process notes while it works, for `/metrics`: added up in memory, kept in PostgreSQL.

Noting costs a dictionary look-up. What was noted is written every few seconds by a thread that ends when there is nothing
more to write, and at the end of the process; a process that is killed loses the last seconds of it. Labels come from closed
lists and never name a person, a number or a secret.
"""

from __future__ import annotations

import atexit
import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from weakref import WeakMethod

WRITE_EVERY_S = 3.0
MOST_LABELS = 400
"""Combinations of labels of one measure at most; what comes beyond is counted under `other`."""
OTHER = "other"
_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SLOW = (1.0, 5.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1800.0)


@dataclass(frozen=True, eq=False)
class Measure:
    """A counter, or with `bounds` (upper bounds in seconds, which never change) a histogram."""

    name: str
    about: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


VENDOR_REQUESTS = Measure(
    "calling_vendor_requests", "Requests to outside systems by how they ended", ("vendor", "endpoint", "outcome")
)
VENDOR_SECONDS = Measure(
    "calling_vendor_request_seconds", "Time of requests to outside systems", ("vendor", "endpoint"), _QUICK
)
HTTP_REQUESTS = Measure("calling_http_requests", "Requests to the API and the console", ("door", "route", "status"))
HTTP_SECONDS = Measure("calling_http_request_seconds", "Time of requests to the API and the console", ("door",), _QUICK)
SYNC_READS = Measure("calling_sync_reads", "Days read from Guanke by what became of them", ("track", "outcome"))
SYNC_ROWS = Measure("calling_sync_rows", "Rows read from Guanke", ("track",))
SYNC_SECONDS = Measure("calling_sync_read_seconds", "Time to read and publish one day", ("track",), _SLOW)
CLICKS = Measure("calling_telephony_clicks", "Clicks on call by how they ended; reason of a refusal", ("outcome", "reason"))
CLICK_SECONDS = Measure("calling_telephony_click_seconds", "Time from a click to its answer", (), _QUICK)
CALLBACKS = Measure("calling_telephony_callbacks", "Callbacks of Infinity by what they came to", ("outcome",))
CALLBACK_DELAY = Measure(
    "calling_telephony_callback_delay_seconds", "Time from the end of a call to its callback", (), (*_QUICK, 60.0, 300.0)
)
MESSAGES = Measure("calling_messages", "Attempts to send a message by what became of it", ("outbox", "outcome"))
LEDGER_SAVES = Measure("calling_ledger_saves", "Saves of tasks in the ledger by what they did", ("outcome",))
REPORT_MAILS = Measure("calling_report_mails", "Attempts to send a report by mail by what became of it", ("outcome",))
RUNS = Measure("calling_dagster_runs", "Runs of Dagster that ended, by job and how", ("job", "outcome"))
HEARTBEATS = Measure("calling_heartbeats", "Heartbeats to the outside watcher by how they ended", ("outcome",))

NOTED: tuple[Measure, ...] = (
    VENDOR_REQUESTS,
    VENDOR_SECONDS,
    HTTP_REQUESTS,
    HTTP_SECONDS,
    SYNC_READS,
    SYNC_ROWS,
    SYNC_SECONDS,
    CLICKS,
    CLICK_SECONDS,
    CALLBACKS,
    CALLBACK_DELAY,
    MESSAGES,
    LEDGER_SAVES,
    REPORT_MAILS,
    RUNS,
    HEARTBEATS,
)


@dataclass
class Sum:
    """What was noted of one measure with the same labels. `buckets` are not cumulative; the last is above every bound."""

    number: float = 0
    total: float = 0.0
    buckets: list[int] = field(default_factory=list)


Key = tuple[str, tuple[str, ...]]
Keep = Callable[[Mapping[Key, Sum]], bool]
"""Writes sums and says whether they are written; it never raises."""


class _Noted:
    """What this process has noted and not written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._sums: dict[Key, Sum] = {}
        self._known: dict[str, set[tuple[str, ...]]] = {}
        self._keeps: list[WeakMethod[Keep]] = []
        self._writer: threading.Timer | None = None

    def add(self, measure: Measure, labels: tuple[str, ...], number: float, seconds: float | None) -> None:
        with self._lock:
            known = self._known.setdefault(measure.name, set())
            if labels not in known:
                if len(known) >= MOST_LABELS:
                    labels = (OTHER,) * len(measure.labels)
                known.add(labels)
            found = self._sums.get((measure.name, labels))
            if found is None:
                buckets = [0] * (len(measure.bounds) + 1) if measure.bounds else []
                found = self._sums[measure.name, labels] = Sum(buckets=buckets)
            found.number += number
            if seconds is not None:
                found.total += seconds
                found.buckets[bisect_left(measure.bounds, seconds)] += 1
            if self._writer is None:
                self._start()

    def keep_with(self, keep: Keep) -> None:
        with self._lock:
            self._keeps = [one for one in self._keeps if one() is not None]
            self._keeps.append(WeakMethod(keep))

    def write(self) -> None:
        """Write now what there is; what cannot be written waits for the next time."""
        with self._writing:
            with self._lock:
                self._writer = None
                keep = self._newest()
                if keep is None or not self._sums:
                    return
                sums, self._sums = self._sums, {}
            if not keep(sums):
                self._take_back(sums)

    def _take_back(self, sums: Mapping[Key, Sum]) -> None:
        with self._lock:
            for key, one in sums.items():
                now = self._sums.setdefault(key, Sum(buckets=[0] * len(one.buckets)))
                now.number += one.number
                now.total += one.total
                now.buckets = [a + b for a, b in zip(now.buckets, one.buckets, strict=True)]

    def stop_keeping(self, keep: Keep) -> None:
        with self._lock:
            last = self._newest() == keep
        if last:
            self.write()
        with self._lock:
            self._keeps = [one for one in self._keeps if one() not in (None, keep)]
            if not self._keeps and self._writer is not None:
                self._writer.cancel()
                self._writer = None
        with self._writing:  # a thread that is at it with `keep` ends first
            pass

    def forget(self) -> None:
        with self._lock:
            self._sums.clear()
            self._known.clear()
            if self._writer is not None:
                self._writer.cancel()
                self._writer = None

    def _newest(self) -> Keep | None:
        return next((found for one in reversed(self._keeps) if (found := one()) is not None), None)

    def _start(self) -> None:
        self._writer = threading.Timer(WRITE_EVERY_S, self.write)
        self._writer.name = "measures"
        self._writer.daemon = True
        self._writer.start()


_noted = _Noted()


def count(measure: Measure, *labels: str, number: float = 1) -> None:
    """Add to a counter. `labels` are the values in the order of its labels."""
    _noted.add(measure, labels, number, None)


def observe(measure: Measure, seconds: float, *labels: str) -> None:
    """Note one duration in a histogram."""
    _noted.add(measure, labels, 1, seconds)


def keep_with(keep: Keep) -> None:
    """From now on the method `keep` writes what this process notes, as long as its object lives."""
    _noted.keep_with(keep)


def write() -> None:
    """Write now what was noted; does nothing where nobody writes. Never raises."""
    _noted.write()


def stop_keeping(keep: Keep) -> None:
    """Write what was noted, and nothing more with `keep`; who wrote before does so again."""
    _noted.stop_keeping(keep)


def forget() -> None:
    """Drop what was noted and not written, and which labels there were: a test's own numbers begin at zero."""
    _noted.forget()


atexit.register(write)
