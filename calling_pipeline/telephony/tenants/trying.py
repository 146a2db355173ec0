"""Tries an account with Infinity, before it is kept or after. The audit log has who tried which one, without its key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.records import Account
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.telephony.tenants.settings import NEW_ADDRESS, check_address, columns_of
from calling_pipeline.vendors.infinity.client import InfinityClient
from calling_pipeline.vendors.url_guard import Reach

NEEDED = ("api_url", "app_id", "access_key")


def account_to_try(
    connection: sa.Connection,
    box: SecretBox,
    values: Mapping[str, str | None],
    *,
    config_id: int | None = None,
    by: str,
) -> Account:
    """The account that `values` (of `NEEDED`) describe; what they leave out is that of the configuration `config_id`.

    That `by` tries it is noted. A stored access key is used with its own address alone. Raises `InvalidInput`, which names
    the field, `NotFound`, and `SecretUnreadable`.
    """
    given = {name: text for name in NEEDED if (text := (values.get(name) or "").strip())}
    stored = None if config_id is None else accounts.account_of(connection, box, config_id)
    whole = {name: given.get(name) or (getattr(stored, name) if stored else "") for name in NEEDED}
    for name, text in whole.items():
        if not text:
            raise InvalidInput(f"{name} is needed", field=name)
    checked = columns_of(whole, whole)["api_url"]
    if stored is not None and checked != stored.api_url and "access_key" not in given:
        raise InvalidInput(NEW_ADDRESS, field="access_key")
    tenant_id = stored.tenant_id if stored else 0
    account = Account(config_id or 0, tenant_id, checked, whole["app_id"], whole["access_key"])
    _note(connection, account, by=by)
    return account


def stored_account(connection: sa.Connection, box: SecretBox, config_id: int, *, by: str) -> Account:
    """The account of a configuration, which `by` tries: that is noted. Raises `NotFound` and `SecretUnreadable`."""
    account = accounts.account_of(connection, box, config_id)
    _note(connection, account, by=by)
    return account


async def try_account(make_client: Callable[[Account], InfinityClient], reach: Reach, account: Account) -> accounts.Tested:
    """Log in with an account of `account_to_try`, by a client of its own.

    Raises `InvalidInput` for an address that no configuration may have; every other failure is an answer.
    """
    await asyncio.to_thread(check_address, account.api_url, reach)
    async with make_client(account) as client:
        return await accounts.test_login(client)


def _note(connection: sa.Connection, account: Account, *, by: str) -> None:
    """What is about to be tried; whether the login worked is answered and kept nowhere."""
    note_act(
        connection,
        "config.test",
        f"config:{account.config_id or 'new'}",
        by=by,
        tenant_id=account.tenant_id or None,
        after={"api_url": account.api_url, "app_id": account.app_id},
    )
