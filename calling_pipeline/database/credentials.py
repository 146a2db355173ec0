"""Tokens issued by vendors: kept encrypted with their expiry, shared by all processes, refreshed by one at a time.

Which token a vendor wants and how it is fetched is its client's business; this knows names, texts and instants only.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from calling_pipeline import days
from calling_pipeline.database import locks
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.database.engine import reachable
from calling_pipeline.database.tables import vendor_credentials
from calling_pipeline.errors import SecretUnreadable

MARGIN = dt.timedelta(minutes=2)
"""A token this close to its expiry is fetched anew."""


@dataclass(frozen=True)
class Fetched:
    """What a vendor just issued: the token, and until when it is valid."""

    secret: str = field(repr=False)
    expires_at: dt.datetime


@dataclass(frozen=True)
class Token:
    """A stored token. `version` tells a refresher which one the vendor refused."""

    secret: str = field(repr=False)
    expires_at: dt.datetime
    version: int

    def is_fresh(self, now: dt.datetime) -> bool:
        """Whether it stays good for a while."""
        return self.expires_at - MARGIN > now


Fetch = Callable[[], Awaitable[Fetched]]


_READ = sa.select(vendor_credentials.c.sealed, vendor_credentials.c.version, vendor_credentials.c.expires_at).where(
    vendor_credentials.c.name == sa.bindparam("name")
)


class CredentialStore:
    """The tokens of one database. One instance may serve many clients and event loops of a process, one after another.

    token = await store.token("wecom:corp-1", fetch)
    ...the vendor says it is not valid...
    token = await store.token("wecom:corp-1", fetch, refused=token)
    """

    def __init__(self, engine: sa.Engine, secrets: SecretBox) -> None:
        self._engine = engine
        self._secrets = secrets
        self._known: dict[str, Token] = {}
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, defaultdict[str, asyncio.Lock]] = WeakKeyDictionary()

    async def token(self, name: str, fetch: Fetch, *, refused: Token | None = None) -> Token:
        """The token called `name`; fetched when there is none, it expires soon, or it is the one the vendor `refused`.

        Of all callers in all processes one fetches and the others wait for its token. Raises what `fetch` raises.
        """
        known = self._usable(self._known.get(name), refused)
        if known is not None:
            return known
        turns = self._turns.setdefault(asyncio.get_running_loop(), defaultdict(asyncio.Lock))
        async with turns[name]:
            known = self._usable(self._known.get(name), refused)
            if known is None:
                known = await self._refreshed(name, fetch, refused)
                self._known[name] = known
            return known

    async def _refreshed(self, name: str, fetch: Fetch, refused: Token | None) -> Token:
        stored = self._usable(await asyncio.to_thread(self._read_committed, name), refused)
        if stored is not None:
            return stored
        with reachable(self._engine) as connection, connection.begin():
            await asyncio.to_thread(locks.hold, connection, "vendor credential", name)
            seen = self._read(connection, name)
            usable = self._usable(seen, refused)
            if usable is not None:
                return usable
            fetched = await fetch()
            return await asyncio.to_thread(self.replace, connection, name, fetched, seen.version if seen else 0)

    def replace(self, connection: sa.Connection, name: str, fetched: Fetched, seen: int) -> Token:
        """Store `fetched` instead of version `seen` (0: none).

        When another process stored a newer one in between, that one stays and is returned.
        """
        insert = postgresql.insert(vendor_credentials).values(
            name=name,
            sealed=self._secrets.seal(fetched.secret, owner=owner_of(name)),
            version=seen + 1,
            expires_at=fetched.expires_at,
            obtained_at=days.now(),
        )
        # Compare and set: a refresher that held an older version, however late it comes, changes nothing.
        replace = insert.on_conflict_do_update(
            index_elements=[vendor_credentials.c.name],
            set_={column: insert.excluded[column] for column in ("sealed", "version", "expires_at", "obtained_at")},
            where=vendor_credentials.c.version == seen,
        )
        row = connection.execute(replace.returning(vendor_credentials.c.version)).one_or_none()
        if row is not None:
            return Token(fetched.secret, fetched.expires_at, row.version)
        newer = self._read(connection, name)
        return newer if newer is not None else Token(fetched.secret, fetched.expires_at, 0)

    def _read_committed(self, name: str) -> Token | None:
        with reachable(self._engine) as connection:
            return self._read(connection, name)

    def _read(self, connection: sa.Connection, name: str) -> Token | None:
        row = connection.execute(_READ, {"name": name}).one_or_none()
        if row is None:
            return None
        try:
            secret = self._secrets.open(row.sealed, owner=owner_of(name))
        except SecretUnreadable:  # stored under an earlier CALLING_SECRET_KEY: a new one costs one request
            return Token("", dt.datetime.min.replace(tzinfo=dt.UTC) + 2 * MARGIN, row.version)
        return Token(secret, row.expires_at, row.version)

    @staticmethod
    def _usable(token: Token | None, refused: Token | None) -> Token | None:
        if token is None or not token.is_fresh(days.now()):
            return None
        if refused is not None and token.version <= refused.version:
            return None
        return token


def owner_of(name: str) -> str:
    """For whom a token is sealed."""
    return f"vendor credential:{name}"
