"""SQL of what the lines were used for, hour by hour. It reads and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.database.sql import load
from calling_pipeline.telephony.pool.usage.records import Hour, Usage
from calling_pipeline.telephony.refusals import store as refusal_store

_CALLS = load("telephony/pool/usage/calls_by_hour")
_POOL = load("telephony/pool/usage/pool_by_hour")
_HOURS = 24


def of_day(connection: sa.Connection, day: dt.date, *, tenant_id: int | None) -> Usage:
    """What a day's lines were used for; None: of every tenant."""
    first, last = days.day_bounds(day)
    values = {"first": first, "last": last, "tenant_id": tenant_id}
    found: dict[int, dict[str, Any]] = {hour: {} for hour in range(_HOURS)}
    for statement in (_CALLS, _POOL):
        for row in connection.execute(statement, values).mappings():
            found[_hour(row["hour"])] |= {name: value for name, value in row.items() if name != "hour"}
    by_hour: dict[int, Counter[str]] = {hour: Counter() for hour in range(_HOURS)}
    for refused in refusal_store.within(connection, first, last, tenant_id=tenant_id):
        by_hour[_hour(refused.hour)][refused.rule] += refused.number
    hours = [Hour(hour=hour, refused=dict(by_hour[hour]), **found[hour]) for hour in range(_HOURS)]
    return Usage(day, hours, dict(sum(by_hour.values(), Counter[str]()).most_common()))


def _hour(instant: dt.datetime) -> int:
    return instant.astimezone(days.SHANGHAI).hour
