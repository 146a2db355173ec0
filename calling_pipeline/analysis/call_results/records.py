"""How pushed calls are matched with call records, and what a join came to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calling_pipeline import days
from calling_pipeline.settings import Settings

TOLERANCE = dt.timedelta(seconds=5)
"""How much earlier than its push a call record may seem to be: the vendor cuts its times to whole seconds, and two machines
whose clocks are kept by NTP differ by less than the rest."""
AFTER_T10 = dt.time(7, 55)
"""When the T-10 syncs of the morning are done: every day in their window is joined once after it, whatever they found."""
LOOK_BACK_DAYS = 11
"""Days before today whose call records may still be corrected: T-10, and the day before, whose calls reach into it."""


@dataclass(frozen=True)
class JoinRules:
    """`reach`: how long after its push a call may be dialled; `phone_keys`: of the hashes of numbers in call records.

    There are two while a rotation of keys lasts. `record_days` and `cache_days` say how long call records are kept: results
    of calls older than that stay.
    """

    phone_keys: Sequence[bytes] = field(repr=False)
    reach: dt.timedelta = dt.timedelta(hours=24)
    record_days: int = 90
    cache_days: int = 30

    @classmethod
    def of(cls, settings: Settings, phone_keys: Sequence[bytes]) -> JoinRules:
        """As the settings say."""
        reach = dt.timedelta(hours=settings.call_result_reach_h)
        return cls(phone_keys, reach, settings.call_record_retention_days, settings.cache_retention_days)

    @property
    def reach_days(self) -> int:
        """Days after the last push on which its call may have been dialled."""
        return -(-self.reach // dt.timedelta(days=1))


@dataclass(frozen=True)
class DayState:
    """A day of batches that pushed calls: the reads of call records there are, and those it was last joined with.

    `joined_reads` and `joined_at` are None when it was never joined; `stale`: a push of it was settled since.
    """

    day: dt.date
    stale: bool
    joined_reads: Mapping[str, int] | None
    joined_at: dt.datetime | None
    reads: Mapping[str, int]

    def is_due(self, now: dt.datetime) -> bool:
        """Whether a join would find something that the last one did not, or none came since this morning's T-10 syncs."""
        morning = dt.datetime.combine(days.day_of(now), AFTER_T10, days.SHANGHAI)
        joined_today = self.joined_at is not None and (now < morning or self.joined_at >= morning)
        return bool(self.reads) and (self.stale or self.joined_reads != self.reads or not joined_today)

    @property
    def occasion(self) -> str:
        """What makes it due, as a key: the same while no join succeeds and nothing new is read."""
        newest = max(self.reads.values(), default=0)
        return f"{self.day}:{newest}:{self.joined_at.isoformat() if self.joined_at else 'never'}"


@dataclass(frozen=True)
class Joined:
    """What one join did: the day asked for and those that held a record of it, pushes judged, results new or changed."""

    days: tuple[dt.date, ...]
    pushed: int
    changed: int
