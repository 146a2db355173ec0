"""Tenants' configurations of Infinity: created, changed, deleted, shown with their secrets masked."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets as random_secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.database.errors import violated_constraint
from calling_pipeline.errors import CallingError, Conflict, InvalidInput, NotFound
from calling_pipeline.telephony.records import Config
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.telephony.tenants.accounts import SECRETS, current_callback_secret, masked, sealed
from calling_pipeline.telephony.tenants.settings import DEFAULTS, NEW_ADDRESS, columns_of, networks_of

LONGEST_OVERLAP_S = 30 * 86_400
_LONGEST_TENANT = 2**63 - 1


def create(
    connection: sa.Connection, box: SecretBox, tenant_id: int, values: Mapping[str, Any], *, who: str
) -> tuple[Config, str]:
    """Add a configuration; returns it and its callback secret, which is shown only now.

    Raises `InvalidInput`, and `Conflict` for a name that is taken or a second enabled one.
    """
    if not 0 < tenant_id <= _LONGEST_TENANT:
        raise InvalidInput("tenant_id must be a positive number", field="tenant_id")
    for name in ("api_url", "app_id", "access_key"):
        if not values.get(name):
            raise InvalidInput(f"{name} is needed", field=name)
    wanted = {**DEFAULTS, **{name: value for name, value in values.items() if value is not None}}
    columns = columns_of(wanted, wanted)
    now = days.now()
    try:
        with connection.begin_nested():
            config_id = tenant_store.add_config(
                connection, {**columns, "tenant_id": tenant_id, "created_at": now, "updated_at": now}
            )
    except IntegrityError as error:
        raise _taken(error) from error
    secret = values.get("callback_secret") or random_secrets.token_urlsafe(32)
    given = {"access_key": values["access_key"], "callback_secret": secret}
    tenant_store.change_config(connection, config_id, sealed(box, tenant_id, config_id, given))
    made = find(connection, box, config_id)
    _note(connection, who, "config.create", before=None, after=made)
    return made, secret


def change(connection: sa.Connection, box: SecretBox, config_id: int, values: Mapping[str, Any], *, who: str) -> Config:
    """Change what `values` names (None: leave as it is). A new address needs the access key again.

    Raises `NotFound`, `InvalidInput`, and `Conflict` for a name that is taken or a second enabled one.
    """
    row = _row(connection, config_id, lock=True)
    before = _shown(box, row)
    given = {name: value for name, value in values.items() if value is not None}
    columns = columns_of(given, {**row._mapping, **given})
    if columns.get("api_url", row.api_url) != row.api_url and not given.get("access_key"):
        raise InvalidInput(NEW_ADDRESS, field="access_key")
    fresh = {name: given[name] for name in SECRETS if given.get(name)}
    columns |= sealed(box, row.tenant_id, config_id, fresh)
    try:
        with connection.begin_nested():
            tenant_store.change_config(connection, config_id, {**columns, "updated_at": days.now()})
    except IntegrityError as error:
        raise _taken(error) from error
    after = find(connection, box, config_id)
    _note(connection, who, "config.change", before=before, after=after, more={"changed_secrets": sorted(fresh)})
    return after


def rotate_callback_secret(
    connection: sa.Connection, box: SecretBox, config_id: int, *, secret: str | None, overlap_s: int, who: str
) -> tuple[Config, str]:
    """A new callback secret, shown only now; the old one stays valid for `overlap_s` seconds.

    Raises `NotFound`, `InvalidInput`, and `SecretUnreadable` when the old one cannot be read.
    """
    if not 0 <= overlap_s <= LONGEST_OVERLAP_S:
        raise InvalidInput(f"overlap_s must lie between 0 and {LONGEST_OVERLAP_S}", field="overlap_s")
    row = _row(connection, config_id, lock=True)
    before = _shown(box, row)
    fresh = secret or random_secrets.token_urlsafe(32)
    current = current_callback_secret(box, row)
    now = days.now()
    columns = sealed(box, row.tenant_id, config_id, {"callback_secret": fresh, "previous_secret": current})
    until = now + dt.timedelta(seconds=overlap_s)
    tenant_store.change_config(connection, config_id, {**columns, "previous_secret_until": until, "updated_at": now})
    after = find(connection, box, config_id)
    _note(connection, who, "config.rotate_secret", before=before, after=after)
    return after, fresh


def open_callback_path(
    connection: sa.Connection, box: SecretBox, config_id: int, addresses: Sequence[str], *, who: str
) -> tuple[Config, str]:
    """Take callbacks without a signature on a secret path, from `addresses` (IP addresses or networks) alone.

    Returns the path's secret, shown only now; a path from before is no longer valid. Raises `NotFound` and `InvalidInput`.
    """
    networks = networks_of(addresses)
    secret = random_secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).digest()
    columns = {"callback_path_digest": digest, "callback_addresses": networks, "updated_at": days.now()}
    return _with_path(connection, box, config_id, columns, "config.open_callback_path", who), secret


def close_callback_path(connection: sa.Connection, box: SecretBox, config_id: int, *, who: str) -> Config:
    """Take signed callbacks alone from now on. Raises `NotFound`."""
    columns: dict[str, Any] = {"callback_path_digest": None, "callback_addresses": [], "updated_at": days.now()}
    return _with_path(connection, box, config_id, columns, "config.close_callback_path", who)


def _with_path(
    connection: sa.Connection, box: SecretBox, config_id: int, columns: Mapping[str, Any], act: str, who: str
) -> Config:
    before = _shown(box, _row(connection, config_id, lock=True))
    tenant_store.change_config(connection, config_id, columns)
    after = find(connection, box, config_id)
    _note(connection, who, act, before=before, after=after)
    return after


def delete(connection: sa.Connection, box: SecretBox, config_id: int, *, reason: str = "", who: str) -> None:
    """Delete a configuration, its secrets and its extensions; its calls stay. Raises `Conflict` while a call is open."""
    row = _row(connection, config_id, lock=True)
    before = _shown(box, row)
    now = days.now()
    tenant_store.change_config(connection, config_id, {"enabled": False, "deleted_at": now, "updated_at": now})
    tenant_store.remove_idle_extensions(connection, config_id)
    if tenant_store.open_calls_of(connection, config_id):
        raise Conflict("this configuration has open calls; disable it and delete it when they have ended")
    tenant_store.change_config(
        connection,
        config_id,
        {
            "access_key_sealed": None,
            "callback_secret_sealed": None,
            "previous_secret_sealed": None,
            "callback_path_digest": None,
        },
    )
    _note(connection, who, "config.delete", before=before, after=None, reason=reason)


def find(connection: sa.Connection, box: SecretBox, config_id: int) -> Config:
    """One configuration, secrets masked. Raises `NotFound`."""
    return _shown(box, _row(connection, config_id))


def of_tenant(connection: sa.Connection, box: SecretBox, tenant_id: int) -> Config:
    """The tenant's enabled configuration, else the newest. Raises `NotFound`."""
    row = tenant_store.config_of_tenant(connection, tenant_id)
    if row is None:
        raise NotFound("this tenant has no Infinity configuration")
    return _shown(box, row)


def page(
    connection: sa.Connection, box: SecretBox, *, tenant_id: int | None, enabled: bool | None, limit: int, offset: int
) -> tuple[list[Config], int]:
    """Configurations, secrets masked, and how many there are."""
    rows, total = tenant_store.configs(connection, tenant_id=tenant_id, enabled=enabled, limit=limit, offset=offset)
    return [_shown(box, row) for row in rows], total


def _row(connection: sa.Connection, config_id: int, *, lock: bool = False) -> tenant_store.Row:
    row = tenant_store.config(connection, config_id, lock=lock)
    if row is None:
        raise NotFound("there is no such Infinity configuration")
    return row


def _shown(box: SecretBox, row: tenant_store.Row) -> Config:
    computed = (*SECRETS, "unsigned_callbacks")
    columns = {name: row._mapping[name] for name in Config.__dataclass_fields__ if name not in computed}
    columns["unsigned_callbacks"] = row.callback_path_digest is not None
    for name in SECRETS:
        columns[name] = masked(box, row, name)
    return Config(**columns)


def _taken(error: IntegrityError) -> CallingError:
    name = violated_constraint(error)
    if name == tenant_store.CONFIG_NAME:
        return Conflict("this tenant has a configuration of that name already")
    if name == tenant_store.CONFIG_ENABLED:
        return Conflict("this tenant has an enabled configuration already; disable that one first")
    raise error


def _note(
    connection: sa.Connection,
    who: str,
    action: str,
    *,
    before: Config | None,
    after: Config | None,
    more: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    subject = after or before
    assert subject is not None
    was, became = _plain(before), {**(_plain(after) or {}), **(more or {})} or None
    about, tenant = f"config:{subject.id}", subject.tenant_id
    note_act(connection, action, about, by=who, reason=reason, tenant_id=tenant, before=was, after=became)


def _plain(config: Config | None) -> dict[str, Any] | None:
    if config is None:
        return None
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in asdict(config).items()}
