"""The SQL of holds. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from calling_pipeline.outgoing.records import Act, Hold
from calling_pipeline.outgoing.tables import outgoing_holds

_h = outgoing_holds.c


def first_reason(connection: sa.Connection, act: Act) -> str | None:
    """The reason of the hold that stands longest; None without one."""
    oldest = sa.select(_h.reason).where(_h.act == act).order_by(_h.since, _h.kind).limit(1)
    return connection.execute(oldest).scalar_one_or_none()


def is_held(act: Act) -> sa.Exists:
    """For the WHERE of a statement: whether a hold of `act` stands."""
    return sa.exists(sa.select(sa.literal(1)).where(_h.act == act))


def add(
    connection: sa.Connection, kind: str, acts: Collection[Act], *, since: dt.datetime, reason: str, by: str
) -> list[Act]:
    """Place holds; those of this kind that stand already stay. Returns the acts that are held by it now and were not."""
    rows = [{"kind": kind, "act": act, "since": since, "reason": reason, "by": by} for act in acts]
    placed = insert(outgoing_holds).values(rows).on_conflict_do_nothing().returning(_h.act)
    return cast(list[Act], list(connection.execute(placed).scalars()))


def remove(connection: sa.Connection, kind: str, acts: Collection[Act]) -> list[Act]:
    """Take holds away; returns those that stood."""
    gone = sa.delete(outgoing_holds).where(_h.kind == kind, _h.act.in_(acts)).returning(_h.act)
    return cast(list[Act], list(connection.execute(gone).scalars()))


def standing(connection: sa.Connection) -> Sequence[Hold]:
    """All holds, oldest first."""
    rows = connection.execute(sa.select(outgoing_holds).order_by(_h.since, _h.kind, _h.act))
    return [Hold(**row) for row in rows.mappings()]
