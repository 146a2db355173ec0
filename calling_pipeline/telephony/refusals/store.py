"""SQL of the counts of refused clicks. Functions never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from calling_pipeline.database.sql import load
from calling_pipeline.telephony.refusals.tables import call_refusals

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


def within(
    connection: sa.Connection,
    first: dt.datetime,
    end: dt.datetime,
    *,
    tenant_id: int | None,
    rules: Collection[str] | None = None,
) -> list[Refused]:
    """The counts of the hours from `first` to before `end` by `rules` (None: by any), in their order."""
    query = sa.select(_count.tenant_id, _count.hour, _count.rule, _count.number, _count.again)
    query = query.where(*_wanted(first, end, tenant_id))
    if rules is not None:
        query = query.where(_count.rule.in_(sorted(rules)))
    found = connection.execute(query.order_by(_count.tenant_id, _count.hour, _count.rule)).all()
    return [Refused(*row) for row in found]


def by_hour(
    connection: sa.Connection, first: dt.datetime, end: dt.datetime, *, tenant_id: int | None
) -> Sequence[tuple[dt.datetime, str, int, int]]:
    """Hour, rule, refused and again from `first` to before `end`, over all tenants or one; the newest hour first."""
    number, again = (sa.cast(sa.func.sum(one), sa.BigInteger) for one in (_count.number, _count.again))
    query = sa.select(_count.hour, _count.rule, number, again).where(*_wanted(first, end, tenant_id))
    query = query.group_by(_count.hour, _count.rule).order_by(_count.hour.desc(), sa.collate(_count.rule, "C"))
    return [(hour, rule, refused, repeated) for hour, rule, refused, repeated in connection.execute(query).all()]


def _wanted(first: dt.datetime, end: dt.datetime, tenant_id: int | None) -> list[sa.ColumnElement[bool]]:
    of_tenant = [] if tenant_id is None else [_count.tenant_id == tenant_id]
    return [_count.hour >= first, _count.hour < end, *of_tenant]


def delete(connection: sa.Connection, before: dt.datetime) -> int:
    """Delete what is older; how many rows."""
    return connection.execute(sa.delete(call_refusals).where(_count.hour < before)).rowcount
