"""SQL of the results of pushed calls: how they are kept, and how people read them. Nothing here commits.

Which call record belongs to which push is decided by `analysis/call_results`, which alone may read the call records too.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_batches.calls.results.records import BatchResults, Result
from calling_pipeline.call_batches.calls.results.tables import call_result_batches, call_result_days, call_results
from calling_pipeline.database.sql import load

_CREATE_JUDGED = load("call_batches/calls/results/create_judged")
_KEEP = load("call_batches/calls/results/keep")
_SUM_BATCHES = load("call_batches/calls/results/sum_batches")
_BEGIN_DAY = load("call_batches/calls/results/begin_day")
_OF_BATCH = load("call_batches/calls/results/of_batch")

PAGE = 5000
NEVER_JOINED = BatchResults(0)


def begin_day(connection: sa.Connection, day: dt.date, reads: Mapping[str, int], *, now: dt.datetime) -> None:
    """Note what the day is joined with, before it is: the newest reads of call records; it is not stale any more."""
    connection.execute(_BEGIN_DAY, {"day": day, "reads": json.dumps(dict(reads)), "now": now})


def create_judged(connection: sa.Connection) -> None:
    """The empty table that a join fills with what it found; it ends with the transaction."""
    connection.execute(_CREATE_JUDGED)
    connection.execute(sa.text("TRUNCATE judged_results"))


def keep_judged(connection: sa.Connection, *, kept_from: dt.datetime, now: dt.datetime) -> int:
    """Keep what a join found; returns how many results are new or changed.

    Results whose call is older than `kept_from` stay as they are: their records may have been deleted.
    """
    return connection.execute(_KEEP, {"kept_from": kept_from, "now": now}).rowcount


def sum_batches(connection: sa.Connection, day: dt.date, *, now: dt.datetime) -> None:
    """Add up the results of the day's batches anew."""
    connection.execute(_SUM_BATCHES, {"day": day, "now": now})


def mark_stale(connection: sa.Connection, batch_days: Sequence[dt.date]) -> None:
    """A push of batches of these days was settled: the days are to be joined again."""
    d = call_result_days
    connection.execute(sa.update(d).where(d.c.day.in_(batch_days)).values(stale=True))


def of_batches(connection: sa.Connection, batch_ids: Sequence[int]) -> dict[int, BatchResults]:
    """The results of these batches added up, as of their last join; batches that were never joined have none."""
    t = call_result_batches
    found = connection.execute(sa.select(t).where(t.c.batch_id.in_(batch_ids))).mappings()
    return {row["batch_id"]: _batch_results(dict(row)) for row in found}


def of_days(connection: sa.Connection, first: dt.date, last: dt.date) -> list[tuple[dt.date, int, BatchResults]]:
    """(day, batch, its results added up) of the batches of these days that were joined, in that order."""
    t = call_result_batches
    query = sa.select(t).where(t.c.day.between(first, last)).order_by(t.c.day, t.c.batch_id)
    return [(row["day"], row["batch_id"], _batch_results(dict(row))) for row in connection.execute(query).mappings()]


def joined_at(connection: sa.Connection, day: dt.date) -> dt.datetime | None:
    """When the day's batches were last joined, None when never."""
    d = call_result_days.c
    return connection.execute(sa.select(d.joined_at).where(d.day == day)).scalar_one_or_none()


def of_batch(
    connection: sa.Connection,
    batch_id: int,
    *,
    result: Result | None = None,
    after: int = 0,
    limit: int = PAGE,
    offset: int = 0,
) -> list[Any]:
    """One page of a batch's pushed calls: behind the source row `after`, without the first `offset` of them."""
    values = {"batch_id": batch_id, "result": result, "after": after, "limit": limit, "offset": offset}
    return list(connection.execute(_OF_BATCH, values))


def all_of_batch(connection: sa.Connection, batch_id: int, *, result: Result | None = None) -> Iterator[Any]:
    """Every pushed call of a batch, read page by page."""
    after = 0
    while page := of_batch(connection, batch_id, result=result, after=after):
        yield from page
        after = page[-1].source_row


def of_calls(connection: sa.Connection, call_ids: Sequence[int]) -> list[Any]:
    """The results of these calls, those that have one."""
    t = call_results
    return list(connection.execute(sa.select(t).where(t.c.call_task_id.in_(call_ids))))


def _batch_results(row: Mapping[str, Any]) -> BatchResults:
    return BatchResults(**{name: value for name, value in row.items() if name not in ("batch_id", "day")})
