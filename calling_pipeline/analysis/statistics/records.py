"""What is known of a range of days of call statistics, as a whole."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

By = Literal["hour", "province", "task"]
"""By what the counts of days are added up."""


@dataclass(frozen=True)
class Period:
    """Sums over the known days of a range. `dialled`, `connected` are the task track's, the others the grade track's.

    `grade_days_over`: of the known days those before today. `held`, `incomplete`: of the grade track.
    """

    first: dt.date
    last: dt.date
    today: dt.date
    grade_days: int
    grade_days_over: int
    task_days: int
    dialled: int
    connected: int
    records: int
    grade_9: int
    grade_1: int
    orders: int
    held: int
    incomplete: int

    @property
    def days(self) -> int:
        """How many days the range has."""
        return (self.last - self.first).days + 1

    @property
    def missing(self) -> int:
        """Days that are over and were never read."""
        over = min(self.last, self.today - dt.timedelta(days=1))
        return max(0, (over - self.first).days + 1 - self.grade_days_over)


@dataclass(frozen=True)
class Counted:
    """Sums over the counted days of a range, by call record. `talk_s` in seconds."""

    days: int
    calls: int
    connected: int
    talk_s: int
    grade_9: int
    grade_1: int
    orders: int
