"""Days that another system counted, taken into the history of daily numbers where this one has not read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.records import Track
from calling_pipeline.database.sql import load

_TAKE: Mapping[Track, sa.TextClause] = {
    "task": load("call_stats/history/take_task_days"),
    "grade": load("call_stats/history/take_grade_days"),
}


@dataclass(frozen=True)
class OldDay:
    """One day of one track.

    `numbers`: of the task track tasks, dialled, connected and orders; of the grade track 9-yuan orders, 1-yuan orders,
    orders and records.
    """

    date: dt.date
    numbers: tuple[int, ...]
    calculated_at: dt.datetime


def take_days(connection: sa.Connection, track: Track, wanted: Sequence[OldDay]) -> int:
    """Take the days of which the history has nothing of this track; returns how many.

    They carry the fetch number 0, that of no read of ours: the first own read of a day replaces its numbers.
    """
    values = {
        "dates": [day.date for day in wanted],
        "calculated_at": [day.calculated_at for day in wanted],
        "now": days.now(),
        **{f"numbers_{place}": [day.numbers[place] for day in wanted] for place in range(4)},
    }
    return connection.execute(_TAKE[track], values).rowcount if wanted else 0
