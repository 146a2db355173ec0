"""SQL of collectors' cases. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from calling_pipeline.database.sql import load
from calling_pipeline.telephony.desk.cases.records import Case, CaseFilter
from calling_pipeline.telephony.desk.cases.tables import collector_cases
from calling_pipeline.telephony.tenants.tables import collectors

_NEXT = load("telephony/desk/cases/next_case")
_COUNTS = load("telephony/desk/cases/counts")
_DELETE_DONE = load("telephony/desk/cases/delete_done")
_case = collector_cases.c
_HIDDEN = frozenset({"reference", "phone_sealed", "phone_hash"})
_CASES = sa.select(*(column for column in _case if column.name not in _HIDDEN))
_IS_OPEN = sa.text("state = 'open'")
SORTS: Mapping[str, sa.ColumnElement[Any]] = {
    "calls": _case.calls,
    "collector": _case.collector_id,
    "next_call_at": _case.next_call_at,
    "updated_at": _case.updated_at,
}


class CaseCounts(NamedTuple):
    """How many cases of a collector are open, may be called now, are left in the round, and were done today."""

    open: int
    due: int
    left_in_round: int
    done_today: int


def add(connection: sa.Connection, values: Mapping[str, Any]) -> int | None:
    """Insert a case; its id, or None when the collector has an open one with that number."""
    statement = insert(collector_cases).values(**values)
    statement = statement.on_conflict_do_nothing(
        index_elements=["tenant_id", "collector_id", "phone_hash"], index_where=_IS_OPEN
    )
    return connection.execute(statement.returning(_case.id)).scalar_one_or_none()


def find(connection: sa.Connection, case_id: int) -> Case | None:
    """One case as shown."""
    row = connection.execute(_CASES.where(_case.id == case_id)).one_or_none()
    return Case(**row._mapping) if row else None


def open_with(connection: sa.Connection, tenant_id: int, collector_id: int, hashes: Sequence[bytes]) -> int | None:
    """The collector's open case with a number of one of these hashes."""
    same = sa.and_(
        _case.tenant_id == tenant_id,
        _case.collector_id == collector_id,
        _case.phone_hash.in_(hashes),
        _case.state == "open",
    )
    return connection.execute(sa.select(_case.id).where(same).order_by(_case.id).limit(1)).scalar_one_or_none()


def sealed_phone(connection: sa.Connection, case_id: int) -> tuple[str, bytes]:
    """For whom a case's phone is encrypted, and the phone."""
    row = connection.execute(sa.select(_case.reference, _case.phone_sealed).where(_case.id == case_id)).one()
    return row.reference, bytes(row.phone_sealed)


def change(connection: sa.Connection, case_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of one case."""
    connection.execute(collector_cases.update().where(_case.id == case_id).values(**values))


def next_case(connection: sa.Connection, tenant_id: int, collector_id: int, *, run: int, now: dt.datetime) -> int | None:
    """The case that the round `run` takes next; `run` -1: of no round."""
    values = {"tenant_id": tenant_id, "collector_id": collector_id, "run": run, "now": now}
    return connection.execute(_NEXT, values).scalar_one_or_none()


def counts(
    connection: sa.Connection, tenant_id: int, collector_id: int, *, run: int, now: dt.datetime, today: dt.datetime
) -> CaseCounts:
    """How far a collector's list is."""
    values = {"tenant_id": tenant_id, "collector_id": collector_id, "run": run, "now": now, "today": today}
    return CaseCounts(*connection.execute(_COUNTS, values).one())


def page(
    connection: sa.Connection,
    wanted: CaseFilter,
    *,
    sort: str = "calls",
    descending: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> tuple[list[Case], int]:
    """Cases by filter, in their order, and how many there are."""
    conditions = [_case[name] == value for name, value in vars(wanted).items() if value is not None]
    order = SORTS[sort].desc().nulls_last() if descending else SORTS[sort].asc().nulls_first()
    total = connection.execute(sa.select(sa.func.count()).select_from(collector_cases).where(*conditions)).scalar_one()
    rows = connection.execute(_CASES.where(*conditions).order_by(order, _case.place, _case.id).limit(limit).offset(offset))
    return [Case(**row._mapping) for row in rows], total


def last_place(connection: sa.Connection, tenant_id: int) -> int:
    """The highest place in any list of the tenant; 0 without a case."""
    highest = sa.select(sa.func.max(_case.place)).where(_case.tenant_id == tenant_id)
    return int(connection.execute(highest).scalar_one() or 0)


def delete_done(connection: sa.Connection, before: dt.datetime, limit: int) -> int:
    """Delete at most `limit` cases that were done before `before`, with the presses about them; how many."""
    return int(connection.execute(_DELETE_DONE, {"before": before, "limit": limit}).scalar_one())


def active_collectors(connection: sa.Connection, tenant_id: int) -> Sequence[int]:
    """Ids of the tenant's active collectors."""
    query = sa.select(collectors.c.id).where(collectors.c.tenant_id == tenant_id, collectors.c.active)
    return connection.execute(query).scalars().all()
