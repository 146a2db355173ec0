"""What telephony needs from its caller: transactions, keys and a client of each tenant's Infinity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.records import Account
from calling_pipeline.telephony.refusals.counting import RefusalCounts
from calling_pipeline.vendors.infinity.client import InfinityClient
from calling_pipeline.vendors.url_guard import PublicOnlyTransport, Reach


@dataclass(frozen=True)
class TelephonyDependencies:
    """`client` makes or reuses the client of an account; `answer_limit_s`: how long Infinity may take to answer.

    `shadow`: no call is made.
    """

    transaction: Callable[[], AbstractContextManager[sa.Connection]]
    secrets: SecretBox = field(repr=False)
    phone_key: bytes = field(repr=False)
    client: Callable[[Account], InfinityClient]
    answer_limit_s: float = 10.0
    refusals: RefusalCounts = field(default_factory=RefusalCounts)
    shadow: bool = False
    previous_phone_key: bytes | None = field(default=None, repr=False)

    @property
    def phone_keys(self) -> tuple[bytes, ...]:
        """The keys by which a stored hash may have been made."""
        return (self.phone_key,) if self.previous_phone_key is None else (self.phone_key, self.previous_phone_key)

    @classmethod
    @asynccontextmanager
    async def from_runtime(cls, runtime: Runtime) -> AsyncIterator[TelephonyDependencies]:
        """As the settings say, within one event loop; connections to Infinity are closed at the end."""
        clients = InfinityClients(lambda account: infinity_client(runtime, account))
        limit_s = runtime.settings.infinity_timeout_s
        made = cls(
            runtime.transaction,
            runtime.secrets,
            runtime.phone_key,
            clients.client,
            limit_s,
            shadow=runtime.settings.shadow,
            previous_phone_key=runtime.previous_phone_key,
        )
        try:
            yield made
        finally:
            await asyncio.to_thread(made.refusals.write, made.transaction)
            await clients.aclose()


class InfinityClients:
    """One client per account, kept between calls; a changed account gets a new client."""

    def __init__(self, make: Callable[[Account], InfinityClient]) -> None:
        self._make = make
        self._clients: dict[int, tuple[Account, InfinityClient]] = {}
        self._retired: list[InfinityClient] = []

    def client(self, account: Account) -> InfinityClient:
        """The account's client."""
        known = self._clients.get(account.config_id)
        if known is not None and known[0] == account:
            return known[1]
        if known is not None:
            self._retired.append(known[1])
        made = self._make(account)
        self._clients[account.config_id] = (account, made)
        return made

    async def aclose(self) -> None:
        """Close every connection."""
        for client in [*self._retired, *(client for _, client in self._clients.values())]:
            await client.aclose()
        self._clients.clear()
        self._retired.clear()


def infinity_client(runtime: Runtime, account: Account) -> InfinityClient:
    """A client of one tenant's Infinity. It reaches public addresses only, and what the settings except from that."""
    reach = Reach.of(runtime.settings)
    guard = None if reach.anywhere else PublicOnlyTransport(reach)
    return InfinityClient(
        account.api_url,
        account.app_id,
        account.access_key,
        tokens=runtime.credentials,
        transport=guard,
        timeout_s=runtime.settings.infinity_timeout_s,
        shadow=runtime.settings.shadow,
    )
