"""What Dagster's own tables say: its daemons, its run queue, and each schedule's newest run."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Heartbeat:
    """One of Dagster's daemons and how long ago (s) it last said that it lives."""

    daemon: str
    age_s: float


@dataclass(frozen=True)
class ScheduleRun:
    """The newest run that a schedule started; `status` is Dagster's word. Times are None before the run begins or ends."""

    schedule: str
    run_id: str
    status: str
    started_at: dt.datetime | None
    ended_at: dt.datetime | None


@dataclass(frozen=True)
class RunUnderWay:
    """A run that has begun. `worker` is its tag that says which process executes it, empty while there is none.

    `may_last`: a batch, which may take hours.
    """

    run_id: str
    job: str
    since: dt.datetime
    worker: str | None
    may_last: bool

    @property
    def pid(self) -> int | None:
        """The number of its process on its host."""
        words = (self.worker or "").split(" ")
        return int(words[2]) if len(words) >= 4 and words[2].isdecimal() else None


@dataclass(frozen=True)
class DagsterState:
    """Dagster as its storage shows it. `unknown` says why it could not be read, and the rest is empty; else it is None.

    `oldest_queued_s`: how long the first run in the queue has waited; None when none waits.
    """

    unknown: str | None
    heartbeats: tuple[Heartbeat, ...] = ()
    queued: int = 0
    oldest_queued_s: float | None = None
    running: int = 0
    schedule_runs: tuple[ScheduleRun, ...] = ()
