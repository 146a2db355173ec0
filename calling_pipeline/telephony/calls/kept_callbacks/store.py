"""SQL of callbacks that cannot be read, or that nothing has confirmed yet. Functions never commit.

The raw body is encrypted; it goes when the callback was applied or given up.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.database.sql import load_driver
from calling_pipeline.telephony.calls.kept_callbacks.tables import kept_callbacks
from calling_pipeline.telephony.calls.store import AsyncDriver
from calling_pipeline.telephony.calls.tables import communication_records
from calling_pipeline.telephony.records import WaitingCallback
from calling_pipeline.telephony.tenants.tables import infinity_configs

Reason = Literal["unreadable", "unconfirmed"]
_KEEP = load_driver("telephony/calls/kept_callbacks/keep")
_OF_PATH = load_driver("telephony/calls/kept_callbacks/of_path")
_kept = kept_callbacks.c
_waits = _kept.closed_at.is_(None)
_SHOWN = sa.select(
    _kept.id,
    infinity_configs.c.tenant_id,
    _kept.config_id,
    _kept.reason,
    _kept.sentence,
    _kept.call_uuid,
    _kept.signed_at,
    _kept.received_at,
    _kept.repeats,
    _kept.closed_at,
    _kept.closed_by,
    _kept.outcome,
).join_from(kept_callbacks, infinity_configs, infinity_configs.c.id == _kept.config_id)
"""Rows of `WaitingCallback`."""


class Path(NamedTuple):
    """A configuration that takes callbacks without a signature, and the networks that may send them."""

    config_id: int
    tenant_id: int
    networks: Sequence[str]


class Kept(NamedTuple):
    """A callback just kept: its id, how often the same body came before, what became of it (empty: it waits)."""

    id: int
    repeats: int
    outcome: str


class NamedCall(NamedTuple):
    """The call that a kept callback names."""

    id: int
    extension_id: int
    extension_number: str
    fence: int
    config_id: int
    deadline: dt.datetime
    called_at: dt.datetime | None
    closed_at: dt.datetime | None
    settled_at: dt.datetime | None


async def of_path(driver: AsyncDriver, digest: bytes) -> Path | None:
    """The configuration of a secret path, by its digest."""
    rows: Sequence[tuple[Any, ...]] = await (await driver.execute(_OF_PATH, {"digest": digest})).fetchall()
    return Path(*rows[0]) if rows else None


async def keep(
    driver: AsyncDriver,
    box: SecretBox,
    body: bytes,
    *,
    config_id: int,
    reason: Reason,
    sentence: str,
    call_uuid: str,
    signed_at: dt.datetime,
    now: dt.datetime,
) -> Kept:
    """Keep a raw body, once."""
    digest = hashlib.sha256(body).digest()
    values: dict[str, object] = {
        "config_id": config_id,
        "body_digest": digest,
        "body_sealed": box.seal(body.decode("latin-1"), owner=owner_of(config_id, digest)),
        "reason": reason,
        "sentence": sentence,
        "call_uuid": call_uuid[:200],
        "signed_at": signed_at,
        "now": now,
    }
    (row,) = await (await driver.execute(_KEEP, values)).fetchall()
    return Kept(*row)


def find(connection: sa.Connection, kept_id: int, *, lock: bool = False) -> WaitingCallback | None:
    """One kept callback, locked against others if asked."""
    query = _SHOWN.where(_kept.id == kept_id)
    row = connection.execute(query.with_for_update(of=kept_callbacks) if lock else query).one_or_none()
    return WaitingCallback(**row._mapping) if row else None


def body_of(connection: sa.Connection, box: SecretBox, kept: WaitingCallback) -> bytes:
    """The raw body of one that waits. Raises `SecretUnreadable`."""
    query = sa.select(_kept.body_digest, _kept.body_sealed).where(_kept.id == kept.id)
    row = connection.execute(query).one()
    return box.open(row.body_sealed or b"", owner=owner_of(kept.config_id, row.body_digest)).encode("latin-1")


def page(
    connection: sa.Connection, *, tenant_id: int | None, waiting: bool, limit: int, offset: int
) -> tuple[list[WaitingCallback], int]:
    """Kept callbacks, the newest first, and how many there are."""
    query = _SHOWN if tenant_id is None else _SHOWN.where(infinity_configs.c.tenant_id == tenant_id)
    query = query.where(_waits) if waiting else query
    total = connection.execute(query.with_only_columns(sa.func.count(), maintain_column_froms=True)).scalar_one()
    rows = connection.execute(query.order_by(_kept.id.desc()).limit(limit).offset(offset))
    return [WaitingCallback(**row._mapping) for row in rows], total


def unconfirmed(connection: sa.Connection, limit: int) -> list[WaitingCallback]:
    """Those that wait to be confirmed, oldest first."""
    query = _SHOWN.where(_waits, _kept.reason == "unconfirmed").order_by(_kept.id).limit(limit)
    return [WaitingCallback(**row._mapping) for row in connection.execute(query)]


def unconfirmed_of(connection: sa.Connection, record_id: int) -> list[WaitingCallback]:
    """Those that wait to be confirmed for one call, oldest first; locked."""
    record = communication_records.c
    names = sa.and_(record.config_id == _kept.config_id, _kept.call_uuid.in_([record.call_uuid, record.reference]))
    query = _SHOWN.join(communication_records, names).where(record.id == record_id, _waits, _kept.reason == "unconfirmed")
    rows = connection.execute(query.order_by(_kept.id).with_for_update(of=kept_callbacks))
    return [WaitingCallback(**row._mapping) for row in rows]


def call_of(connection: sa.Connection, kept: WaitingCallback) -> NamedCall | None:
    """The call that a kept callback names; None for one we do not know."""
    record = communication_records.c
    named = sa.or_(record.call_uuid == kept.call_uuid, record.reference == kept.call_uuid)
    query = sa.select(
        record.id,
        record.extension_id,
        record.extension_number,
        record.fence,
        record.config_id,
        record.deadline,
        record.called_at,
        record.closed_at,
        record.settled_at,
    ).where(record.config_id == kept.config_id, named)
    row = connection.execute(query.limit(1)).one_or_none()
    return NamedCall(*row) if row else None


def close(connection: sa.Connection, kept_id: int, *, outcome: str, by: str, now: dt.datetime) -> None:
    """It waits no more; its body goes."""
    values = {"closed_at": now, "closed_by": by, "outcome": outcome, "body_sealed": None}
    connection.execute(kept_callbacks.update().where(_kept.id == kept_id, _waits).values(**values))


def give_up(connection: sa.Connection, before: dt.datetime, now: dt.datetime) -> int:
    """End the waiting of what nothing has confirmed since `before`; how many."""
    old = sa.and_(_waits, _kept.reason == "unconfirmed", _kept.received_at < before)
    values = {"closed_at": now, "closed_by": "program", "outcome": "given up", "body_sealed": None}
    return connection.execute(kept_callbacks.update().where(old).values(**values)).rowcount


def unread(connection: sa.Connection) -> list[tuple[int, int, int]]:
    """(configuration, tenant, how many of its callbacks wait because they cannot be read), of every configuration."""
    number = sa.func.count(_kept.id)
    waiting = sa.and_(_kept.config_id == infinity_configs.c.id, _waits, _kept.reason == "unreadable")
    query = sa.select(infinity_configs.c.id, infinity_configs.c.tenant_id, number).join_from(
        infinity_configs, kept_callbacks, waiting, isouter=True
    )
    rows = connection.execute(query.group_by(infinity_configs.c.id).order_by(infinity_configs.c.id))
    return [(config_id, tenant_id, waiting) for config_id, tenant_id, waiting in rows]


def owner_of(config_id: int, digest: bytes) -> str:
    """For whom the body of a kept callback is sealed."""
    return f"kept_callback:{config_id}:{digest.hex()}"
