"""SQL of the task ledger. It never commits; what the checks judge is gathered in `facts/store.py`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal, TypedDict, cast

import sqlalchemy as sa

from calling_pipeline.database.engine import driver_connection
from calling_pipeline.database.prepared import Prepared
from calling_pipeline.database.sql import load
from calling_pipeline.task_ledger.records import Account, Refusal, Saved, State, Task, Usage
from calling_pipeline.task_ledger.tables import task_charges, task_ledger, task_refusals, task_usage

_SAVE = Prepared(load("task_ledger/save"))
_USAGE = load("task_ledger/usage")
WHOSE = sa.func.coalesce(task_ledger.c.account, task_ledger.c.created_by)
"""Whose a task is: the account that its first save named, else whoever made it."""
_ACCOUNTS = load("task_ledger/accounts")
_ACCOUNTS_BETWEEN = load("task_ledger/accounts_between")
_TASKS = sa.select(
    task_ledger.c.task_id,
    task_ledger.c.feature,
    task_ledger.c.state,
    task_ledger.c.credits,
    task_ledger.c.free,
    task_charges.c.credits.label("charged"),
    task_ledger.c.details,
    task_ledger.c.created_at,
    task_ledger.c.created_by,
    task_ledger.c.updated_at,
    task_ledger.c.updated_by,
    task_ledger.c.finished_at,
    task_ledger.c.saves,
    WHOSE.label("account"),
).outerjoin(task_charges, task_charges.c.task_id == task_ledger.c.task_id)
_REFUSALS = sa.select(
    task_refusals.c.task_id,
    task_refusals.c.kind,
    task_refusals.c.from_state,
    task_refusals.c.to_state,
    task_refusals.c.credits,
    task_refusals.c.reason,
    task_refusals.c.refused_by,
    task_refusals.c.refused_at,
)


_BY_ID = task_ledger.c.task_id
_ORDERS = {
    "newest": (task_ledger.c.created_at.desc(), _BY_ID),
    "oldest": (task_ledger.c.created_at, _BY_ID.desc()),
    "id": (_BY_ID,),
    "id_down": (_BY_ID.desc(),),
}
Order = Literal["newest", "oldest", "id", "id_down"]


class SaveValues(TypedDict):
    """What `save_task` takes, validated; `details` is a JSON object as text."""

    task_id: str
    feature: str
    state: State
    credits: int | None
    free: bool | None
    charge_key: str | None
    details: str
    by: str
    account: str | None
    now: dt.datetime


def save(connection: sa.Connection, values: SaveValues) -> Saved:
    """Run the function that saves a task."""
    row = _SAVE.one(driver_connection(connection), values)
    assert row is not None
    return Saved(*row)


def task(connection: sa.Connection, task_id: str, *, lock: bool = False) -> Task | None:
    """One task, None when the ledger does not know it. `lock`: others who save it wait for this transaction."""
    query = _TASKS.where(task_ledger.c.task_id == task_id)
    row = connection.execute(query.with_for_update(of=task_ledger) if lock else query).one_or_none()
    return Task(**row._mapping) if row else None


def tasks(
    connection: sa.Connection,
    *,
    feature: str | None,
    state: str | None,
    task_id: str | None = None,
    account: str | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    order: Order = "newest",
    limit: int,
    offset: int = 0,
) -> list[Task]:
    """Tasks, the newest first unless `order` says otherwise.

    `task_id` may end in `*`: every one that begins so. `since` and `until` (half-open) are about when they were created.
    """
    query = _TASKS.where(*_narrowed(feature, state, task_id, account, since, until)).order_by(*_ORDERS[order])
    return [Task(**row._mapping) for row in connection.execute(query.limit(limit).offset(offset))]


def count_tasks(
    connection: sa.Connection,
    most: int,
    *,
    feature: str | None,
    state: str | None,
    task_id: str | None = None,
    account: str | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> int:
    """How many tasks match, at most `most`: counting a long list costs more than a page of it."""
    some = (
        sa.select(sa.literal(1)).select_from(task_ledger).where(*_narrowed(feature, state, task_id, account, since, until))
    )
    return connection.execute(sa.select(sa.func.count()).select_from(some.limit(most).subquery())).scalar_one()


def accounts(connection: sa.Connection, *, account: str | None = None, limit: int = 100, offset: int = 0) -> list[Account]:
    """Every account with its balance, the one that was charged most first; or one of them."""
    values = {"account": account, "limit": limit, "offset": offset}
    return [Account(**row._mapping) for row in connection.execute(_ACCOUNTS, values)]


def accounts_between(
    connection: sa.Connection,
    first: dt.datetime,
    until: dt.datetime,
    *,
    account: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Account]:
    """The same of the tasks that were created, and of what was charged, between two instants (half-open)."""
    values = {"first": first, "until": until, "account": account, "limit": limit, "offset": offset}
    return [Account(**row._mapping) for row in connection.execute(_ACCOUNTS_BETWEEN, values)]


def refusals(
    connection: sa.Connection, *, task_id: str | None = None, kind: str | None = None, limit: int = 100, offset: int = 0
) -> list[Refusal]:
    """The newest refusals, optionally of one task or of one kind."""
    query = _REFUSALS.order_by(task_refusals.c.id.desc()).limit(limit).offset(offset)
    if task_id is not None:
        query = query.where(task_refusals.c.task_id == task_id)
    if kind is not None:
        query = query.where(task_refusals.c.kind == kind)
    return [Refusal(**row._mapping) for row in connection.execute(query)]


def features(connection: sa.Connection) -> list[str]:
    """The features that the ledger has kept usage of, by name."""
    return list(connection.execute(sa.select(task_usage.c.feature).distinct().order_by(task_usage.c.feature)).scalars())


def _narrowed(
    feature: str | None,
    state: str | None,
    task_id: str | None,
    account: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
) -> list[sa.ColumnElement[bool]]:
    t = task_ledger.c
    wanted: list[sa.ColumnElement[bool]] = []
    if feature is not None:
        wanted.append(t.feature == feature)
    if state is not None:
        wanted.append(t.state == state)
    if task_id is not None:
        begins = task_id.endswith("*")
        wanted.append(t.task_id.startswith(task_id[:-1], autoescape=True) if begins else t.task_id == task_id)
    if account is not None:
        wanted.append(WHOSE == account)  # noqa: SIM300 - SQL
    if since is not None:
        wanted.append(t.created_at >= since)
    if until is not None:
        wanted.append(t.created_at < until)
    return wanted


def usage(connection: sa.Connection, first: dt.datetime, until: dt.datetime) -> list[Usage]:
    """Tasks and credits per day and feature between two instants (half-open), counted from the ledger itself."""
    return [Usage(**row._mapping) for row in connection.execute(_USAGE, {"first": first, "until": until})]


def replace_usage(connection: sa.Connection, day: dt.date, rows: Sequence[Usage], now: dt.datetime) -> None:
    """Replace the rows of one day in `task_usage`."""
    connection.execute(sa.delete(task_usage).where(task_usage.c.date == day))
    if rows:
        connection.execute(sa.insert(task_usage), [{**vars(row), "calculated_at": now} for row in rows])


def states_of(connection: sa.Connection, task_ids: Sequence[str]) -> dict[str, State]:
    """The states of the tasks among these that the ledger knows."""
    c = task_ledger.c
    found = connection.execute(sa.select(c.task_id, c.state).where(c.task_id.in_(task_ids)))
    return {row.task_id: cast(State, row.state) for row in found}
