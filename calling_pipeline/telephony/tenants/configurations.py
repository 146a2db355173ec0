"""Tenants' accounts with Infinity: their settings, their secrets, and whether they work."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets as random_secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.database.errors import violated_constraint
from calling_pipeline.errors import CallingError, Conflict, InvalidInput, NotFound, SecretUnreadable
from calling_pipeline.masking import mask_secret
from calling_pipeline.telephony import numbers
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import STRATEGIES, Account, Config
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.vendors.url_guard import checked_url, require_public

SECRETS = ("access_key", "callback_secret")
DEFAULTS: Mapping[str, Any] = {
    "name": "main",
    "enabled": True,
    "strategy": "lru",
    "max_concurrent_calls": 100,
    "ring_timeout_s": 60,
    "cool_down_s": 0,
    "quarantine_after": 5,
    "quarantine_s": 1800,
    "caller_numbers": [],
    "caller_range_start": None,
    "caller_range_end": None,
    "contact_rules": {},
}
_LIMITS = {
    "max_concurrent_calls": (1, 1000),
    "ring_timeout_s": (10, 300),
    "cool_down_s": (0, 86_400),
    "quarantine_after": (0, 1000),
    "quarantine_s": (0, 30 * 86_400),
}
LONGEST_OVERLAP_S = 30 * 86_400
_LONGEST_TENANT = 2**63 - 1


@dataclass(frozen=True)
class Tested:
    """What a test of a connection found."""

    reachable: bool
    latency_ms: float
    reason: str = ""


def create(
    connection: sa.Connection, box: SecretBox, tenant_id: int, values: Mapping[str, Any], *, who: str
) -> tuple[Config, str]:
    """Add a configuration; it, and its callback secret, which is shown this once. `Conflict` for a name that is taken."""
    if not 0 < tenant_id <= _LONGEST_TENANT:
        raise InvalidInput("tenant_id must be a positive number", field="tenant_id")
    for name in ("api_url", "app_id", "access_key"):
        if not values.get(name):
            raise InvalidInput(f"{name} is needed", field=name)
    wanted = {**DEFAULTS, **{name: value for name, value in values.items() if value is not None}}
    columns = _columns(wanted, wanted)
    now = days.now()
    try:
        with connection.begin_nested():
            config_id = tenant_store.add_config(
                connection, {**columns, "tenant_id": tenant_id, "created_at": now, "updated_at": now}
            )
    except IntegrityError as error:
        raise _named(error) from error
    secret = values.get("callback_secret") or random_secrets.token_urlsafe(32)
    sealed = {"access_key": values["access_key"], "callback_secret": secret}
    tenant_store.change_config(connection, config_id, _sealed(box, tenant_id, config_id, sealed))
    made = find(connection, box, config_id)
    _note(connection, who, "create", before=None, after=made)
    return made, secret


def change(connection: sa.Connection, box: SecretBox, config_id: int, values: Mapping[str, Any], *, who: str) -> Config:
    """Change what `values` names (None: leave as it is); `Conflict` for a name taken or a second enabled one."""
    row = _row(connection, config_id, lock=True)
    before = _shown(box, row)
    given = {name: value for name, value in values.items() if value is not None}
    columns = _columns(given, {**row._mapping, **given})
    columns |= _sealed(box, row.tenant_id, config_id, {name: given[name] for name in SECRETS if given.get(name)})
    try:
        with connection.begin_nested():
            tenant_store.change_config(connection, config_id, {**columns, "updated_at": days.now()})
    except IntegrityError as error:
        raise _named(error) from error
    after = find(connection, box, config_id)
    _note(connection, who, "change", before=before, after=after)
    return after


def rotate_callback_secret(
    connection: sa.Connection, box: SecretBox, config_id: int, *, secret: str | None, overlap_s: int, who: str
) -> tuple[Config, str]:
    """A new callback secret; the old one stays valid for `overlap_s`. The new one is shown this once."""
    if not 0 <= overlap_s <= LONGEST_OVERLAP_S:
        raise InvalidInput(f"overlap_s must lie between 0 and {LONGEST_OVERLAP_S}", field="overlap_s")
    row = _row(connection, config_id, lock=True)
    before = _shown(box, row)
    fresh = secret or random_secrets.token_urlsafe(32)
    current = box.open(row.callback_secret_sealed, owner=_owner(row.tenant_id, config_id, "callback_secret"))
    now = days.now()
    columns = _sealed(box, row.tenant_id, config_id, {"callback_secret": fresh, "previous_secret": current})
    until = now + _seconds(overlap_s)
    tenant_store.change_config(connection, config_id, {**columns, "previous_secret_until": until, "updated_at": now})
    after = find(connection, box, config_id)
    _note(connection, who, "rotate callback secret", before=before, after=after)
    return after, fresh


def delete(connection: sa.Connection, box: SecretBox, config_id: int, *, who: str) -> None:
    """Forget a configuration, its secrets and its extensions; its calls stay. `Conflict` while a call is open."""
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
        {"access_key_sealed": None, "callback_secret_sealed": None, "previous_secret_sealed": None},
    )
    _note(connection, who, "delete", before=before, after=None)


def find(connection: sa.Connection, box: SecretBox, config_id: int) -> Config:
    """One configuration, secrets masked; `NotFound`."""
    return _shown(box, _row(connection, config_id))


def of_tenant(connection: sa.Connection, box: SecretBox, tenant_id: int) -> Config:
    """The tenant's enabled configuration, else his newest; `NotFound`."""
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


def account(box: SecretBox, row: tenant_store.Row) -> Account:
    """What a call needs of a configuration's row. Raises `SecretUnreadable`."""
    key = box.open(row.access_key_sealed or b"", owner=_owner(row.tenant_id, row.id, "access_key"))
    return Account(row.id, row.tenant_id, row.api_url, row.app_id, key)


def account_of(connection: sa.Connection, box: SecretBox, config_id: int) -> Account:
    """The account of one configuration; `NotFound`."""
    return account(box, _row(connection, config_id))


def callback_secrets(box: SecretBox, config_id: int, tenant_id: int, sealed: bytes, previous: bytes | None) -> list[str]:
    """The callback secrets that are valid: the current one and, while a rotation lasts, the one before."""
    known = [box.open(sealed, owner=_owner(tenant_id, config_id, "callback_secret"))]
    if previous is not None:
        known.append(box.open(previous, owner=_owner(tenant_id, config_id, "previous_secret")))
    return known


async def test_connection(deps: TelephonyDependencies, subject: Account) -> Tested:
    """Log in and say how long that took; a failure is an answer, not an error."""
    client = deps.client(subject)
    begun = time.perf_counter()
    try:
        await client.login()
    except CallingError as error:
        return Tested(False, _elapsed_ms(begun), str(error))
    return Tested(True, _elapsed_ms(begun))


def check_address(api_url: str, *, allow_private: bool, patience_s: float = 3.0) -> None:
    """Refuse an address that leads into a private network already when it is entered (`InvalidInput`).

    A name that does not resolve now may be entered: every connection is judged again when it is made.
    """
    url = checked_url(api_url)
    if allow_private:
        return

    async def judge() -> None:
        try:
            await asyncio.wait_for(require_public(url), patience_s)
        except TimeoutError:
            return

    try:
        asyncio.run(judge())
    except InvalidInput as error:
        if "resolved" not in str(error):
            raise


def _columns(given: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """`given` as checked columns; rules that concern several fields look at `whole`, what there will be."""
    columns = {name: given[name] for name in DEFAULTS if name in given}
    for name, (least, most) in _LIMITS.items():
        if name in given and not least <= given[name] <= most:
            raise InvalidInput(f"{name} must lie between {least} and {most}", field=name)
    for name in ("name", "app_id", *SECRETS):
        if given.get(name) is not None:
            columns |= {name: _short(given[name], name)} if name not in SECRETS else {}
            _short(given[name], name)
    if "strategy" in given and given["strategy"] not in STRATEGIES:
        raise InvalidInput(f"strategy must be one of {', '.join(STRATEGIES)}", field="strategy")
    if "api_url" in given:
        columns["api_url"] = checked_url(given["api_url"])
    if "caller_numbers" in given:
        columns["caller_numbers"] = numbers.caller_numbers(given["caller_numbers"])
    if "contact_rules" in given:
        _check_rules(given["contact_rules"])
    ends = numbers.caller_range(whole.get("caller_range_start") or None, whole.get("caller_range_end") or None)
    columns["caller_range_start"], columns["caller_range_end"] = ends or (None, None)
    return columns


def _check_rules(document: Mapping[str, Any]) -> None:
    try:
        policy_from(document)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInput("contact_rules cannot be read; see the contact policy's keys", field="contact_rules") from error


def _short(value: str, field: str) -> str:
    text = value.strip()
    if not text or len(text) > 200 or not text.isprintable():
        raise InvalidInput(f"{field} must have 1 to 200 printable characters", field=field)
    return text


def _row(connection: sa.Connection, config_id: int, *, lock: bool = False) -> tenant_store.Row:
    row = tenant_store.config(connection, config_id, lock=lock)
    if row is None:
        raise NotFound("there is no such Infinity configuration")
    return row


def _shown(box: SecretBox, row: tenant_store.Row) -> Config:
    columns = {name: row._mapping[name] for name in Config.__dataclass_fields__ if name not in SECRETS}
    for name in SECRETS:
        columns[name] = _masked(box, row._mapping[f"{name}_sealed"], _owner(row.tenant_id, row.id, name))
    return Config(**columns)


def _masked(box: SecretBox, sealed: bytes | None, owner: str) -> str:
    try:
        return mask_secret(box.open(sealed, owner=owner)) if sealed else ""
    except SecretUnreadable:
        return "unreadable; enter it again"


def _sealed(box: SecretBox, tenant_id: int, config_id: int, values: Mapping[str, str]) -> dict[str, bytes]:
    return {
        f"{name}_sealed": box.seal(value.strip(), owner=_owner(tenant_id, config_id, name)) for name, value in values.items()
    }


def _owner(tenant_id: int, config_id: int, column: str) -> str:
    """A secret opens for its own tenant, row and column alone."""
    return f"tenant:{tenant_id}:infinity_configs:{config_id}:{column}"


def _named(error: IntegrityError) -> CallingError:
    name = violated_constraint(error)
    if name == tenant_store.CONFIG_NAME:
        return Conflict("this tenant has a configuration of that name already")
    if name == tenant_store.CONFIG_ENABLED:
        return Conflict("this tenant has an enabled configuration already; disable that one first")
    raise error


def _note(connection: sa.Connection, who: str, action: str, *, before: Config | None, after: Config | None) -> None:
    subject = after or before
    assert subject is not None
    tenant_store.note(
        connection,
        at=days.now(),
        who=who,
        tenant_id=subject.tenant_id,
        action=action,
        subject=f"config:{subject.id}",
        before=_plain(before),
        after=_plain(after),
    )


def _plain(config: Config | None) -> dict[str, Any] | None:
    if config is None:
        return None
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in asdict(config).items()}


def _seconds(number: int) -> Any:
    return dt.timedelta(seconds=number)


def _elapsed_ms(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)
