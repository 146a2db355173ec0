"""SQL of the extension pool: allocation and release, rows and imports, statistics.

Functions take a connection and never commit. The statements are in `sql/`; what the database itself runs is in
`sql/functions` and `sql/views`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from calling_pipeline.database.prepared import Prepared
from calling_pipeline.database.sql import load
from calling_pipeline.telephony.pool.tables import extension_pool, extension_utilisation
from calling_pipeline.telephony.records import Extension, PoolStatistics
from calling_pipeline.telephony.tenants.tables import infinity_configs

Driver = psycopg.Connection[tuple[object, ...]]
Verdict = Literal["good", "failed", "none"]
"""How the call went, as far as the extension is concerned; `none` says nothing about it."""

_ALLOCATE = Prepared(load("telephony/pool/allocate"))
_RELEASE = Prepared(
    load(
        "telephony/pool/release",
        source="(SELECT CAST(:extension_id AS bigint) AS extension_id, CAST(:fence AS bigint) AS fence,"
        " CAST(:verdict AS text) AS verdict)",
    )
)
_RELEASE_HEALTHY = Prepared(load("telephony/pool/release_healthy"))
_ADD = load("telephony/pool/add")
_TAKE_OFFLINE = load("telephony/pool/take_offline")
_BRING_ONLINE = load("telephony/pool/bring_online")
_OUT_OF_QUARANTINE = load("telephony/pool/out_of_quarantine")
_STATISTICS = load("telephony/pool/statistics")
_ADD_UTILISATION = load("telephony/pool/add_utilisation")

_POOL = extension_pool.c
_EXTENSIONS = sa.select(
    _POOL.id,
    infinity_configs.c.tenant_id,
    _POOL.config_id,
    _POOL.number,
    _POOL.label,
    _POOL.state,
    _POOL.holder,
    _POOL.fence,
    _POOL.allocated_at,
    _POOL.last_used_at,
    sa.func.nullif(_POOL.ready_at, sa.text("'-infinity'")).label("ready_at"),
    _POOL.failures,
    _POOL.draining,
    _POOL.offline_reason,
    _POOL.quarantined_until,
    _POOL.created_at,
).join_from(extension_pool, infinity_configs, infinity_configs.c.id == _POOL.config_id)
"""Rows of `Extension`."""
_SNAPSHOTS = sa.select(
    extension_utilisation.c.config_id,
    extension_utilisation.c.tenant_id,
    extension_utilisation.c.taken_at,
    extension_utilisation.c.total,
    extension_utilisation.c.in_use,
    extension_utilisation.c.available,
    extension_utilisation.c.cooling_down,
    extension_utilisation.c.offline,
    extension_utilisation.c.quarantined,
    sa.cast(extension_utilisation.c.utilisation_pct, sa.Double).label("utilisation_pct"),
)


class Attempt(NamedTuple):
    """What one run of `allocate_extension` saw and did.

    `below_limit`: the limit of concurrent calls was not in the way. The pool is counted (`total` and what follows) only when
    nothing was allocated.
    """

    config_id: int | None
    known: bool
    below_limit: bool
    extension_id: int | None
    number: str
    fence: int
    repeated: bool
    allowed: int
    total: int
    in_use: int
    free: int
    offline: int


def allocate(connection: Driver, values: Mapping[str, object]) -> Attempt:
    """Run the allocating function once; `values` are the parameters of `sql/allocate.sql`."""
    row = _ALLOCATE.one(connection, values)
    assert row is not None
    return Attempt(*row)


def release(connection: Driver, extension_id: int, fence: int, verdict: Verdict, now: dt.datetime) -> bool:
    """Make the extension available (or offline, if it is draining or quarantined).

    False, and nothing changed, when `fence` is not the newest one.
    """
    values = {"extension_id": extension_id, "fence": fence, "verdict": verdict, "now": now}
    row = _RELEASE_HEALTHY.one(connection, values) if verdict != "failed" else None
    return (row or _RELEASE.one(connection, values)) is not None


def extend_lease(
    connection: sa.Connection, extension_id: int, fence: int, *, lease_until: dt.datetime, until: dt.datetime
) -> bool:
    """Move the end of a lease from `lease_until` to `until`; False when the allocation has ended or the end was moved."""
    held = sa.and_(
        extension_pool.c.id == extension_id,
        extension_pool.c.fence == fence,
        extension_pool.c.state == "in_use",
        extension_pool.c.lease_until == lease_until,
    )
    return connection.execute(extension_pool.update().where(held).values(lease_until=until)).rowcount == 1


def add(
    connection: sa.Connection, config_id: int, numbers: Sequence[str], labels: Sequence[str], now: dt.datetime
) -> dict[str, int]:
    """Insert extensions; number → id of those that were not there already."""
    values = {"config_id": config_id, "numbers": list(numbers), "labels": list(labels), "now": now}
    return {row.number: row.id for row in connection.execute(_ADD, values)}


def present(connection: sa.Connection, config_id: int, numbers: Sequence[str]) -> set[str]:
    """Which of these numbers the configuration's pool has already."""
    given = sa.func.any(sa.bindparam("numbers", list(numbers), type_=ARRAY(sa.Text)))
    query = sa.select(_POOL.number).where(_POOL.config_id == config_id, _POOL.number == given)
    return set(connection.execute(query).scalars())


def find(connection: sa.Connection, extension_id: int, *, lock: bool = False) -> Extension | None:
    """One extension, locked against allocation if asked."""
    query = _EXTENSIONS.where(_POOL.id == extension_id)
    row = connection.execute(query.with_for_update(of=extension_pool) if lock else query).one_or_none()
    return Extension(**row._mapping) if row else None


def page(
    connection: sa.Connection,
    *,
    tenant_id: int | None,
    config_id: int | None = None,
    state: str | None = None,
    holder: int | None = None,
    number: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> tuple[list[Extension], int]:
    """Extensions by filter, in order of their id, and how many there are; `number` matches its beginning."""
    query = _EXTENSIONS
    for column, wanted in (
        (infinity_configs.c.tenant_id, tenant_id),
        (_POOL.config_id, config_id),
        (_POOL.state, state),
        (_POOL.holder, holder),
    ):
        query = query if wanted is None else query.where(column == wanted)
    if number is not None:
        query = query.where(_POOL.number.startswith(number, autoescape=True))
    total = connection.execute(query.with_only_columns(sa.func.count(), maintain_column_froms=True)).scalar_one()
    rows = connection.execute(query.order_by(_POOL.id).limit(limit).offset(offset))
    return [Extension(**row._mapping) for row in rows], total


def take_offline(connection: sa.Connection, extension_id: int, reason: str) -> None:
    """Offline now, or as soon as its call has ended (draining)."""
    connection.execute(_TAKE_OFFLINE, {"extension_id": extension_id, "reason": reason})


def bring_online(connection: sa.Connection, extension_id: int) -> None:
    """Available again, failures forgotten; one in use only stops draining."""
    connection.execute(_BRING_ONLINE, {"extension_id": extension_id})


def remove(connection: sa.Connection, extension_id: int) -> bool:
    """Delete an extension that is not in use; False when it is."""
    return (
        connection.execute(sa.delete(extension_pool).where(_POOL.id == extension_id, _POOL.state != "in_use")).rowcount > 0
    )


def held_by(connection: sa.Connection, tenant_id: int, collector_id: int) -> list[Extension]:
    """What a collector holds: one extension or none; locked."""
    query = _EXTENSIONS.where(infinity_configs.c.tenant_id == tenant_id, _POOL.holder == collector_id)
    rows = connection.execute(query.order_by(_POOL.fence).with_for_update(of=extension_pool))
    return [Extension(**row._mapping) for row in rows]


def out_of_quarantine(connection: sa.Connection, now: dt.datetime) -> int:
    """Bring back the extensions whose quarantine is over; how many."""
    return connection.execute(_OUT_OF_QUARANTINE, {"now": now}).rowcount


def statistics(
    connection: sa.Connection, now: dt.datetime, *, tenant_id: int | None = None, config_id: int | None = None
) -> list[PoolStatistics]:
    """Every configuration's pool at the instant `now`."""
    values = {"now": now, "tenant_id": tenant_id, "config_id": config_id}
    return [PoolStatistics(**row._mapping) for row in connection.execute(_STATISTICS, values)]


def add_utilisation(connection: sa.Connection, rows: Sequence[PoolStatistics], now: dt.datetime) -> None:
    """Append a snapshot to the utilisation history."""
    if rows:
        connection.execute(_ADD_UTILISATION, [{**vars(row), "now": now} for row in rows])


def utilisation(
    connection: sa.Connection,
    first: dt.datetime,
    last: dt.datetime,
    *,
    tenant_id: int | None = None,
    config_id: int | None = None,
    limit: int = 10_000,
) -> list[dict[str, Any]]:
    """Snapshots between two instants (both included), oldest first."""
    taken = extension_utilisation.c
    query = _SNAPSHOTS.where(taken.taken_at.between(first, last))
    if tenant_id is not None:
        query = query.where(taken.tenant_id == tenant_id)
    if config_id is not None:
        query = query.where(taken.config_id == config_id)
    rows = connection.execute(query.order_by(taken.taken_at, taken.config_id).limit(limit))
    return [dict(row._mapping) for row in rows]


def delete_utilisation(connection: sa.Connection, before: dt.datetime) -> int:
    """Delete snapshots taken before `before`; how many."""
    return connection.execute(sa.delete(extension_utilisation).where(extension_utilisation.c.taken_at < before)).rowcount
