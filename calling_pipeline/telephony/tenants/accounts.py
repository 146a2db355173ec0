"""What calls and callbacks need of a configuration: its secrets, sealed for their own row, and a test of the account."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import CallingError, NotFound, SecretUnreadable
from calling_pipeline.masking import mask_secret
from calling_pipeline.telephony.records import Account
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.vendors.infinity.client import InfinityClient

SECRETS = ("access_key", "callback_secret")


@dataclass(frozen=True)
class Tested:
    """What a test of a connection found."""

    reachable: bool
    latency_ms: float
    reason: str = ""


def account(box: SecretBox, row: tenant_store.Row) -> Account:
    """What a call needs of a configuration's row. Raises `SecretUnreadable`."""
    key = box.open(row.access_key_sealed or b"", owner=owner_of(row.tenant_id, row.id, "access_key"))
    return Account(row.id, row.tenant_id, row.api_url, row.app_id, key)


def account_of(connection: sa.Connection, box: SecretBox, config_id: int) -> Account:
    """The account of one configuration. Raises `NotFound`, and `SecretUnreadable`."""
    row = tenant_store.config(connection, config_id)
    if row is None:
        raise NotFound("there is no such Infinity configuration")
    return account(box, row)


def callback_secrets(box: SecretBox, config_id: int, tenant_id: int, current: bytes, previous: bytes | None) -> list[str]:
    """The callback secrets that are valid: the current one and, while a rotation lasts, the one before.

    Raises `SecretUnreadable`.
    """
    known = [box.open(current, owner=owner_of(tenant_id, config_id, "callback_secret"))]
    if previous is not None:
        known.append(box.open(previous, owner=owner_of(tenant_id, config_id, "previous_secret")))
    return known


def current_callback_secret(box: SecretBox, row: tenant_store.Row) -> str:
    """The callback secret of a configuration's row. Raises `SecretUnreadable`."""
    return box.open(row.callback_secret_sealed, owner=owner_of(row.tenant_id, row.id, "callback_secret"))


async def test_login(client: InfinityClient) -> Tested:
    """Log in and say how long that took; a failure is an answer, not an error."""
    begun = time.perf_counter()
    try:
        await client.login()
    except CallingError as error:
        return Tested(False, _elapsed_ms(begun), str(error))
    return Tested(True, _elapsed_ms(begun))


def masked(box: SecretBox, row: tenant_store.Row, name: str) -> str:
    """The secret `name` of a configuration's row as shown."""
    secret = row._mapping[f"{name}_sealed"]
    try:
        return mask_secret(box.open(secret, owner=owner_of(row.tenant_id, row.id, name))) if secret else ""
    except SecretUnreadable:
        return "unreadable; enter it again"


def sealed(box: SecretBox, tenant_id: int, config_id: int, values: Mapping[str, str]) -> dict[str, bytes]:
    """Secrets by name, as the columns that keep them."""
    return {
        f"{name}_sealed": box.seal(value.strip(), owner=owner_of(tenant_id, config_id, name))
        for name, value in values.items()
    }


def owner_of(tenant_id: int, config_id: int, column: str) -> str:
    """A secret opens for its own tenant, row and column alone."""
    return f"tenant:{tenant_id}:infinity_configs:{config_id}:{column}"


def _elapsed_ms(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)
