"""SQL of the counts of refused clicks. Functions never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa

from calling_pipeline.database.sql import load
from calling_pipeline.telephony.tables import call_refusals

_ADD = load("telephony/refusals/add")
_count = call_refusals.c


class Refused(NamedTuple):
    """How many clicks of a tenant one rule refused within an hour; `again`: those that followed a refusal within seconds."""

    tenant_id: int
    hour: dt.datetime
    rule: str
    number: int
    again: int


def add(
    connection: sa.Connection,
    counts: Mapping[tuple[int, dt.datetime, str], int],
    again: Mapping[tuple[int, dt.datetime, str], int],
) -> None:
    """Add to the counts of (tenant, hour, rule), in one order, so that two processes do not block each other."""
    rows = [
        {"tenant_id": place[0], "hour": place[1], "rule": place[2], "number": number, "again": again.get(place, 0)}
        for place, number in sorted(counts.items())
    ]
    if rows:
        connection.execute(_ADD, rows)


def within(connection: sa.Connection, first: dt.datetime, end: dt.datetime, *, tenant_id: int | None) -> list[Refused]:
    """The counts of the hours from `first` to before `end`, in their order."""
    query = sa.select(_count.tenant_id, _count.hour, _count.rule, _count.number, _count.again)
    query = query.where(_count.hour >= first, _count.hour < end)
    if tenant_id is not None:
        query = query.where(_count.tenant_id == tenant_id)
    return [Refused(*row) for row in connection.execute(query.order_by(_count.tenant_id, _count.hour, _count.rule))]


def delete(connection: sa.Connection, before: dt.datetime) -> int:
    """Delete what is older; how many rows."""
    return connection.execute(sa.delete(call_refusals).where(_count.hour < before)).rowcount
