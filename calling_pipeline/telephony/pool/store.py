"""SQL of the extension pool: rows, imports, statistics. Lending is in `store_allocation.py`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.telephony.pool.store_allocation import statement
from calling_pipeline.telephony.records import Extension, PoolStatistics


def add(
    connection: sa.Connection, config_id: int, numbers: Sequence[str], labels: Sequence[str], now: dt.datetime
) -> dict[str, int]:
    """Insert extensions; number → id of those that were not there already."""
    values = {"config_id": config_id, "numbers": list(numbers), "labels": list(labels), "now": now}
    return {row.number: row.id for row in connection.execute(_ADD, values)}


def find(connection: sa.Connection, extension_id: int, *, lock: bool = False) -> Extension | None:
    """One extension, locked against allocation if asked."""
    row = connection.execute(_FIND_LOCKED if lock else _FIND, {"extension_id": extension_id}).one_or_none()
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
    values = {
        "tenant_id": tenant_id,
        "config_id": config_id,
        "state": state,
        "holder": holder,
        "number": None if number is None else number.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
        "limit": limit,
        "offset": offset,
    }
    total = connection.execute(_COUNT, values).scalar_one()
    return [Extension(**row._mapping) for row in connection.execute(_PAGE, values)], total


def take_offline(connection: sa.Connection, extension_id: int, reason: str) -> str | None:
    """Offline now, or as soon as its call has ended (draining); the state it has now."""
    row = connection.execute(_TAKE_OFFLINE, {"extension_id": extension_id, "reason": reason}).one_or_none()
    return None if row is None else str(row.state)


def bring_online(connection: sa.Connection, extension_id: int) -> str | None:
    """Available again, failures forgotten; one in use merely stops draining."""
    row = connection.execute(_BRING_ONLINE, {"extension_id": extension_id}).one_or_none()
    return None if row is None else str(row.state)


def remove(connection: sa.Connection, extension_id: int) -> bool:
    """Delete an extension that is not in use; False when it is."""
    return connection.execute(_REMOVE, {"extension_id": extension_id}).one_or_none() is not None


def held_by(connection: sa.Connection, tenant_id: int, collector_id: int) -> list[Extension]:
    """What a collector holds: one extension or none."""
    values = {"tenant_id": tenant_id, "collector_id": collector_id}
    return [Extension(**row._mapping) for row in connection.execute(_HELD_BY, values)]


def out_of_quarantine(connection: sa.Connection, now: dt.datetime) -> int:
    """Bring back the extensions whose quarantine is over; how many."""
    return connection.execute(_OUT_OF_QUARANTINE, {"now": now}).rowcount


def statistics(
    connection: sa.Connection, now: dt.datetime, *, tenant_id: int | None = None, config_id: int | None = None
) -> list[PoolStatistics]:
    """Every configuration's pool as it stands."""
    values = {"now": now, "tenant_id": tenant_id, "config_id": config_id}
    return [PoolStatistics(**row._mapping) for row in connection.execute(_STATISTICS, values)]


def keep_utilisation(connection: sa.Connection, rows: Sequence[PoolStatistics], now: dt.datetime) -> None:
    """Append a snapshot to the utilisation history."""
    if rows:
        connection.execute(_KEEP_UTILISATION, [{**vars(row), "now": now} for row in rows])


def utilisation(
    connection: sa.Connection,
    first: dt.datetime,
    last: dt.datetime,
    *,
    tenant_id: int | None = None,
    config_id: int | None = None,
    limit: int = 10_000,
) -> list[dict[str, Any]]:
    """Snapshots between two instants, oldest first."""
    values = {"first": first, "last": last, "tenant_id": tenant_id, "config_id": config_id, "limit": limit}
    return [dict(row._mapping) for row in connection.execute(_UTILISATION, values)]


def forget_utilisation(connection: sa.Connection, before: dt.datetime) -> int:
    """Delete snapshots older than `before`."""
    return connection.execute(_FORGET_UTILISATION, {"before": before}).rowcount


_ADD = sa.text(
    """
    INSERT INTO extension_pool (config_id, number, label, created_at)
    SELECT :config_id, given.number, given.label, :now
    FROM unnest(CAST(:numbers AS text[]), CAST(:labels AS text[])) WITH ORDINALITY AS given (number, label, place)
    ORDER BY given.place
    ON CONFLICT ON CONSTRAINT uq_extension_pool_number DO NOTHING
    RETURNING number, id
    """
)

_EXTENSION = """
    SELECT e.id, c.tenant_id, e.config_id, e.number, e.label, e.state, e.holder, e.fence, e.lent_at, e.last_used_at,
           nullif(e.ready_at, '-infinity') AS ready_at, e.failures, e.draining, e.offline_reason, e.quarantined_until,
           e.created_at
    FROM extension_pool e JOIN infinity_configs c ON c.id = e.config_id
"""
_FILTER = """
    WHERE (CAST(:tenant_id AS bigint) IS NULL OR c.tenant_id = :tenant_id)
      AND (CAST(:config_id AS bigint) IS NULL OR e.config_id = :config_id)
      AND (CAST(:state AS text) IS NULL OR e.state = :state)
      AND (CAST(:holder AS bigint) IS NULL OR e.holder = :holder)
      AND (CAST(:number AS text) IS NULL OR e.number LIKE :number)
"""
_FIND = statement(_EXTENSION, " WHERE e.id = :extension_id")
_FIND_LOCKED = statement(_EXTENSION, " WHERE e.id = :extension_id FOR UPDATE OF e")
_PAGE = statement(_EXTENSION, _FILTER, " ORDER BY e.id LIMIT :limit OFFSET :offset")
_COUNT = statement("SELECT count(*) FROM extension_pool e JOIN infinity_configs c ON c.id = e.config_id", _FILTER)
_HELD_BY = statement(
    _EXTENSION, " WHERE c.tenant_id = :tenant_id AND e.holder = :collector_id ORDER BY e.fence FOR UPDATE OF e"
)

_TAKE_OFFLINE = sa.text(
    """
    UPDATE extension_pool
    SET state = CASE state WHEN 'in_use' THEN state ELSE 'offline' END,
        draining = state = 'in_use', offline_reason = :reason, quarantined_until = NULL
    WHERE id = :extension_id
    RETURNING state
    """
)

_BRING_ONLINE = sa.text(
    """
    UPDATE extension_pool
    SET state = CASE state WHEN 'in_use' THEN state ELSE 'available' END,
        draining = false, offline_reason = '', quarantined_until = NULL, failures = 0
    WHERE id = :extension_id
    RETURNING state
    """
)

_REMOVE = sa.text("DELETE FROM extension_pool WHERE id = :extension_id AND state <> 'in_use' RETURNING id")

_OUT_OF_QUARANTINE = sa.text(
    """
    UPDATE extension_pool
    SET state = 'available', offline_reason = '', quarantined_until = NULL, failures = 0
    WHERE state = 'offline' AND quarantined_until <= :now
    """
)

_STATISTICS = sa.text(
    """
    SELECT s.tenant_id, s.config_id, s.config_name, s.enabled, s.max_concurrent_calls, s.total,
           s.available - cooling.number AS available, cooling.number AS cooling_down,
           s.in_use, s.offline, s.quarantined, s.draining, s.last_used_at,
           CAST(round(100.0 * s.in_use / greatest(least(s.total - s.offline, s.max_concurrent_calls), 1), 2) AS float)
               AS utilisation_pct
    FROM extension_statistics s
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM extension_pool e
        WHERE e.config_id = s.config_id AND e.state = 'available' AND e.ready_at > :now
    ) AS cooling
    WHERE (CAST(:tenant_id AS bigint) IS NULL OR s.tenant_id = :tenant_id)
      AND (CAST(:config_id AS bigint) IS NULL OR s.config_id = :config_id)
    ORDER BY s.tenant_id, s.config_id
    """
)
"""Utilisation is measured against what can be lent at once: the lines not offline, or the tenant's limit if lower."""

_KEEP_UTILISATION = sa.text(
    """
    INSERT INTO extension_utilisation
        (config_id, taken_at, tenant_id, total, in_use, available, cooling_down, offline, quarantined, utilisation_pct)
    VALUES (:config_id, :now, :tenant_id, :total, :in_use, :available, :cooling_down, :offline, :quarantined,
            least(:utilisation_pct, 999))
    ON CONFLICT (config_id, taken_at) DO NOTHING
    """
)

_UTILISATION = sa.text(
    """
    SELECT config_id, tenant_id, taken_at, total, in_use, available, cooling_down, offline, quarantined,
           CAST(utilisation_pct AS float) AS utilisation_pct
    FROM extension_utilisation
    WHERE taken_at BETWEEN :first AND :last
      AND (CAST(:tenant_id AS bigint) IS NULL OR tenant_id = :tenant_id)
      AND (CAST(:config_id AS bigint) IS NULL OR config_id = :config_id)
    ORDER BY taken_at, config_id
    LIMIT :limit
    """
)

_FORGET_UTILISATION = sa.text("DELETE FROM extension_utilisation WHERE taken_at < :before")
