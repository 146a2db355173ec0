"""Joins the pushed calls of a day with the call records: what became of each is kept in `call_results`.

A join is idempotent. The result of a push follows from the pushes and records there are, not from joins before: a record
that comes late, is corrected or vanishes changes the result at the next join of its day, and nothing else does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import sqlalchemy as sa

from calling_pipeline import days, tracing
from calling_pipeline.activity.noting import note
from calling_pipeline.analysis.call_results import store
from calling_pipeline.analysis.call_results.records import LOOK_BACK_DAYS, TOLERANCE, DayState, Joined, JoinRules
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_stats.retention import first_kept_days
from calling_pipeline.database import locks
from calling_pipeline.masking import phone_hasher

ASSET = "call_results"
_SENT_LATER = dt.timedelta(hours=1)
"""Far longer than a claimed call waits to be sent."""


@tracing.traced("results")
def join_day(connection: sa.Connection, day: dt.date, rules: JoinRules) -> Joined:
    """Judge every pushed call of the day's batches in the caller's transaction.

    One join is at work at a time. A day whose results hold a record that belongs to a push of `day` is joined with it.
    """
    locks.hold(connection, "call results")
    now = days.now()
    result_store.create_judged(connection)
    joined, waiting, pushed = [], [day], 0
    while waiting:
        joined.append(waiting.pop(0))
        pushed += _judge(connection, joined[-1], rules, now)
        if not waiting:
            waiting = store.contested_days(connection, joined)
    kept_from = days.day_bounds(_kept_from(rules, now))[0]
    changed = result_store.keep_judged(connection, kept_from=kept_from, now=now)
    for one in joined:
        result_store.sum_batches(connection, one, now=now)
        note(connection, ASSET, one)
    return Joined(tuple(joined), pushed, changed)


def days_due(connection: sa.Connection, rules: JoinRules) -> list[DayState]:
    """The days whose results a join may change, as the reads of call records, settled pushes and the time of day tell."""
    now = days.now()
    first = days.day_of(now) - dt.timedelta(days=LOOK_BACK_DAYS)
    states = store.day_states(connection, first, days.day_of(now), reach_days=rules.reach_days, now=now)
    return [state for state in states if state.is_due(now)]


def _judge(connection: sa.Connection, day: dt.date, rules: JoinRules, now: dt.datetime) -> int:
    """Judge the day's pushes into the staging table; returns how many there are."""
    states = store.day_states(connection, day, day, reach_days=rules.reach_days, now=now)
    result_store.begin_day(connection, day, next((state.reads for state in states if state.day == day), {}), now=now)
    claims = store.stage_pushed(connection, day, partial(_hashed, keys=rules.phone_keys))
    if claims is None:
        return 0
    return store.match(
        connection,
        day,
        first_at=claims.first_at,
        first_day=max(days.day_of(claims.first_at - TOLERANCE), _kept_from(rules, now)),
        last_day=days.day_of(claims.last_at + rules.reach + _SENT_LATER),
        reach=rules.reach,
    )


def _hashed(phones: Iterable[str], *, keys: Sequence[bytes]) -> Iterator[tuple[str, bytes, bool]]:
    """(number, its hash, whether that is the one of the key in use)."""
    hashers = [phone_hasher(key) for key in keys]
    for phone in phones:
        for place, hasher in enumerate(hashers):
            one = hasher.copy()
            one.update(phone.encode())
            yield phone, one.digest(), place == 0


def _kept_from(rules: JoinRules, now: dt.datetime) -> dt.date:
    """The first day whose call records are kept."""
    return first_kept_days(days.day_of(now), cache_days=rules.cache_days, record_days=rules.record_days)[1]
