"""SQL of configurations and collectors, and of their part of the audit log. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from calling_pipeline.access.audit import store as audit_store
from calling_pipeline.database.sql import load
from calling_pipeline.telephony.records import AuditRow
from calling_pipeline.telephony.tenants.tables import collectors, infinity_configs

Row = sa.Row[Any]
CONFIG_NAME = "uq_infinity_configs_name"
CONFIG_ENABLED = "uq_infinity_configs_enabled"
COLLECTOR_KEY = "pk_collectors"

_ORDERS: Mapping[str, str] = {
    "collector": "k.tenant_id {way}, k.id {way}",
    "name": "k.name {way}, k.tenant_id, k.id",
    "calls_today": "calls_today {way}, k.tenant_id, k.id",
    "active": "k.active {way}, k.tenant_id, k.id",
}
COLLECTOR_SORTS = tuple(_ORDERS)
"""By what the list of collectors can be ordered."""
_LISTED = {
    (name, descending): load("telephony/tenants/listed", order=order.format(way="DESC" if descending else "ASC"))
    for name, order in _ORDERS.items()
    for descending in (False, True)
}

_REMOVE_IDLE_EXTENSIONS = load("telephony/tenants/remove_idle_extensions")
_OPEN_CALLS = load("telephony/tenants/open_calls")
_HOLDS_EXTENSION = load("telephony/tenants/holds_extension")
_live = infinity_configs.c.deleted_at.is_(None)


class ListedCollector(NamedTuple):
    """A collector in a list. `extension` is the one used last, `holds`: it is allocated to them now."""

    tenant_id: int
    id: int
    name: str
    callback_number: str
    active: bool
    updated_at: dt.datetime
    extension_id: int | None
    extension: str | None
    holds: bool
    calls_today: int


def add_config(connection: sa.Connection, values: Mapping[str, Any]) -> int:
    """Insert a configuration; its id. Its secrets are sealed afterwards, for they are bound to the id."""
    return int(connection.execute(infinity_configs.insert().values(**values).returning(infinity_configs.c.id)).scalar_one())


def change_config(connection: sa.Connection, config_id: int, values: Mapping[str, Any]) -> None:
    """Update columns of one configuration."""
    connection.execute(infinity_configs.update().where(infinity_configs.c.id == config_id).values(**values))


def config(connection: sa.Connection, config_id: int, *, lock: bool = False) -> Row | None:
    """One configuration that is not deleted, locked against other writers if asked."""
    query = sa.select(infinity_configs).where(infinity_configs.c.id == config_id, _live)
    return connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()


def config_of_tenant(connection: sa.Connection, tenant_id: int) -> Row | None:
    """The tenant's enabled configuration, else the newest."""
    query = sa.select(infinity_configs).where(infinity_configs.c.tenant_id == tenant_id, _live)
    return connection.execute(
        query.order_by(infinity_configs.c.enabled.desc(), infinity_configs.c.id.desc()).limit(1)
    ).one_or_none()


def configs(
    connection: sa.Connection, *, tenant_id: int | None, enabled: bool | None = None, limit: int = 10_000, offset: int = 0
) -> tuple[Sequence[Row], int]:
    """One page of configurations and how many there are."""
    conditions: list[sa.ColumnElement[bool]] = [_live]
    if tenant_id is not None:
        conditions.append(infinity_configs.c.tenant_id == tenant_id)
    if enabled is not None:
        conditions.append(infinity_configs.c.enabled == enabled)
    total = connection.execute(sa.select(sa.func.count()).select_from(infinity_configs).where(*conditions)).scalar_one()
    query = sa.select(infinity_configs).where(*conditions).order_by(infinity_configs.c.id).limit(limit).offset(offset)
    return connection.execute(query).all(), total


def tenants(connection: sa.Connection) -> list[int]:
    """Every tenant that has a configuration or a collector, in order."""
    known = sa.select(infinity_configs.c.tenant_id).where(_live).union(sa.select(collectors.c.tenant_id))
    return list(connection.execute(known.order_by("tenant_id")).scalars())


def remove_idle_extensions(connection: sa.Connection, config_id: int) -> None:
    """Delete a configuration's extensions that are not in use."""
    connection.execute(_REMOVE_IDLE_EXTENSIONS, {"config_id": config_id})


def open_calls_of(connection: sa.Connection, config_id: int) -> int:
    """Extensions in use and calls without an end under a configuration."""
    return int(connection.execute(_OPEN_CALLS, {"config_id": config_id}).scalar_one())


def take_caller_turn(connection: sa.Connection, config_id: int) -> int:
    """The next turn in the rotation of caller numbers; concurrent callers get different ones."""
    turn = infinity_configs.c.caller_turn
    take = infinity_configs.update().where(infinity_configs.c.id == config_id).values(caller_turn=turn + 1)
    return int(connection.execute(take.returning(turn - 1)).scalar_one())


def add_collector(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """Insert a collector."""
    connection.execute(collectors.insert().values(**values))


def change_collector(connection: sa.Connection, tenant_id: int, collector_id: int, values: Mapping[str, Any]) -> None:
    """Update columns of one collector."""
    connection.execute(collectors.update().where(_is(tenant_id, collector_id)).values(**values))


def remove_collector(connection: sa.Connection, tenant_id: int, collector_id: int) -> None:
    """Delete one collector."""
    connection.execute(collectors.delete().where(_is(tenant_id, collector_id)))


def collector(connection: sa.Connection, tenant_id: int, collector_id: int, *, lock: bool = False) -> Row | None:
    """One collector, locked against allocations if asked."""
    query = sa.select(collectors).where(_is(tenant_id, collector_id))
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def holds_extension(connection: sa.Connection, tenant_id: int, collector_id: int) -> bool:
    """Whether an extension is allocated to the collector."""
    values = {"tenant_id": tenant_id, "collector_id": collector_id}
    return bool(connection.execute(_HOLDS_EXTENSION, values).scalar_one())


def collectors_page(
    connection: sa.Connection, *, tenant_id: int | None, active: bool | None, limit: int, offset: int
) -> tuple[Sequence[Row], int]:
    """One page of collectors and how many there are."""
    conditions: list[sa.ColumnElement[bool]] = []
    if tenant_id is not None:
        conditions.append(collectors.c.tenant_id == tenant_id)
    if active is not None:
        conditions.append(collectors.c.active == active)
    total = connection.execute(sa.select(sa.func.count()).select_from(collectors).where(*conditions)).scalar_one()
    query = sa.select(collectors).where(*conditions).order_by(collectors.c.tenant_id, collectors.c.id)
    return connection.execute(query.limit(limit).offset(offset)).all(), total


def listed_collectors(
    connection: sa.Connection,
    since: dt.datetime,
    *,
    tenant_id: int | None,
    active: bool | None = None,
    beginning: str = "",
    sort: str = "collector",
    descending: bool = False,
    limit: int,
    offset: int = 0,
) -> tuple[list[ListedCollector], int]:
    """One page of collectors as listed, and how many there are; 0 on a page beyond the last.

    `since`: from when their calls are counted; `beginning`: how the name or the number begins.
    """
    values = {
        "since": since,
        "tenant_id": tenant_id,
        "active": active,
        "beginning": beginning_pattern(beginning),
        "limit": limit,
        "offset": offset,
    }
    rows = connection.execute(_LISTED[sort, descending], values).all()
    return [ListedCollector(*row[:-1]) for row in rows], rows[0].found if rows else 0


def audit(
    connection: sa.Connection, *, tenant_id: int | None, subject: str | None, limit: int, offset: int
) -> tuple[list[AuditRow], int]:
    """Telephony's part of the audit log: the newest changes first, and how many there are."""
    acts = ("config.*", "collector.*", "extension.*")
    found, total = audit_store.entries(
        connection, acts=acts, subject=subject, tenant_id=tenant_id, limit=limit, offset=offset
    )
    rows = [
        AuditRow(
            id=entry.id,
            at=entry.at,
            who=entry.person,
            tenant_id=entry.tenant_id,
            action=entry.act,
            subject=entry.subject,
            before=entry.before,
            after=entry.after,
        )
        for entry in found
    ]
    return rows, total


def beginning_pattern(text: str | None) -> str | None:
    """`LIKE`'s pattern for what begins with `text`; None for an empty one."""
    if not text:
        return None
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return plain + "%"


def _is(tenant_id: int, collector_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(collectors.c.tenant_id == tenant_id, collectors.c.id == collector_id)
