"""Who opens a page: proved by a session's cookie, a token, or a trusted proxy.

What the database said is believed for seconds.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from starlette.types import Scope

from calling_pipeline import days
from calling_pipeline.access import secret
from calling_pipeline.access.people import store as people_store
from calling_pipeline.access.people.records import Person
from calling_pipeline.access.sessions import store as session_store
from calling_pipeline.access.tokens import store as token_store
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.settings import Role, Settings

COOKIE = "calling_session"
BELIEVED_S = 3.0
_MOST_KNOWN = 10_000
ENTERS: frozenset[Role] = frozenset({"viewer", "operator", "admin"})
"""Collectors have no entry."""
CHANGES: frozenset[Role] = frozenset({"operator", "admin"})
"""The others only look."""
Pool = AsyncConnectionPool[Any]
_Look = Callable[[psycopg.AsyncConnection[Any]], Awaitable[Person | None]]


@dataclass(frozen=True)
class Visitor:
    """Who asks, and whether they may change anything. `refused` says why they may not enter.

    `by_cookie`: a browser shows the proof by itself, whichever page makes it ask.
    """

    name: str
    may_change: bool
    refused: str = ""
    by_cookie: bool = False


class Visitors:
    """Looks visitors up. `pool` is set when the server starts."""

    pool: Pool | None = None

    def __init__(self, settings: Settings) -> None:
        self._granted = {secret.digest_of(token): grant for token, grant in settings.token_grants().items()}
        header = settings.trusted_user_header
        self._header = header.lower().encode() if header else None
        self._proxies = [ipaddress.ip_network(one) for one in settings.proxies()]
        self._known: dict[object, tuple[float, Visitor | None]] = {}

    async def of(self, scope: Scope) -> Visitor | None:
        """Who sends this request; None for nobody known. A token comes before a session, a session before a proxy's word.

        Raises `DatabaseUnavailable` when they cannot be looked up.
        """
        token = _token_in(scope)
        if token:
            return await self._of_token(secret.digest_of(token))
        session = session_in(scope)
        if session:
            digest = secret.digest_of(session)
            found = await self._believed(
                ("session", digest), lambda connection: _of_session(connection, digest), by_cookie=True
            )
            if found is not None:
                return found
        name = self._named(scope)
        if name:
            return await self._believed(("name", name), lambda connection: _active(connection, name), by_cookie=True)
        return None

    def forget(self, session: str) -> None:
        """Believe nothing more of this session: it was ended here."""
        self._known.pop(("session", secret.digest_of(session)), None)

    async def _of_token(self, digest: bytes) -> Visitor | None:
        granted = self._granted.get(digest)
        if granted is None:
            return await self._believed(digest, lambda connection: token_store.person_of(connection, digest, now=days.now()))
        if granted.name is not None:
            name = granted.name
            person = await self._believed(("name", name), lambda connection: people_store.find_by_name(connection, name))
            if person is not None and person.refused == _DISABLED:
                return None
        return _visitor(granted.name or f"{granted.role}-{digest.hex()[:6]}", granted.role, granted.tenant)

    async def _believed(self, key: object, look: _Look, *, by_cookie: bool = False) -> Visitor | None:
        known = self._known.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        async with self._connection(5) as connection:
            person = await look(connection)
        found = None if person is None else visitor_of(person, by_cookie=by_cookie)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        if found is not None:
            self._known[key] = (time.monotonic() + BELIEVED_S, found)
        return found

    async def ping(self) -> None:
        """Raise `DatabaseUnavailable` unless the database answers."""
        async with self._connection(3) as connection:
            await connection.execute("")  # an empty query: a round trip

    @asynccontextmanager
    async def _connection(self, within_s: float) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        if self.pool is None:
            raise DatabaseUnavailable("the server is still starting; try again shortly")
        try:
            async with self.pool.connection(timeout=within_s) as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            raise DatabaseUnavailable("the database could not say who this is; try again shortly") from error

    def _named(self, scope: Scope) -> str:
        named = [value for name, value in scope["headers"] if name == self._header]
        try:
            address = ipaddress.ip_address((scope.get("client") or ("", 0))[0])
        except ValueError:
            return ""
        trusted = len(named) == 1 and any(address in network for network in self._proxies)
        return named[0].decode(errors="replace").strip() if trusted else ""


_DISABLED = "this person is disabled"


def visitor_of(person: Person, *, by_cookie: bool = False) -> Visitor:
    """What this person may do here."""
    if not person.active:
        return Visitor(person.name, False, _DISABLED)
    return _visitor(person.name, person.role, person.tenant_id, by_cookie=by_cookie)


def session_in(scope: Scope) -> str:
    """The session's secret in the cookies of a request; empty without one."""
    for header, value in scope["headers"]:
        if header == b"cookie":
            for part in value.decode("latin-1").split(";"):
                name, _, given = part.strip().partition("=")
                if name == COOKIE:
                    return str(given)
    return ""


def _token_in(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, token = given[0].decode("latin-1").partition(" ") if given else ("", "", "")
    return token if scheme.lower() == "bearer" else ""


def _visitor(name: str, role: Role, tenant: int | None, *, by_cookie: bool = False) -> Visitor:
    """Dagster knows no tenants: who is bound to one would see those of all."""
    if role not in ENTERS:
        return Visitor(name, False, f"the role {role} has no entry to Dagster", by_cookie)
    if tenant is not None:
        return Visitor(name, False, "Dagster shows all tenants, and you are bound to one", by_cookie)
    return Visitor(name, role in CHANGES, "", by_cookie)


async def _of_session(connection: psycopg.AsyncConnection[Any], digest: bytes) -> Person | None:
    found = await session_store.person_of(connection, digest, now=days.now())
    return None if found is None else found[1]


async def _active(connection: psycopg.AsyncConnection[Any], name: str) -> Person | None:
    person = await people_store.find_by_name(connection, name)
    return person if person is not None and person.active else None
