"""The one gate of the API: who calls, proved by a token, a session or a trusted proxy, and what they may enter.

`admit` is the only place where a caller is refused for who they are. What stored tokens and sessions prove is looked up in
the database and believed for `BELIEVED_S`, so that a polled read costs no second query; a token that is revoked, a session
that ends and a person who is disabled are refused everywhere within five seconds.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import psycopg
from fastapi import Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import Scope

from calling_pipeline import days
from calling_pipeline.access import secret
from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people import store as people_store
from calling_pipeline.access.people.records import Room
from calling_pipeline.access.sessions import store as session_store
from calling_pipeline.access.tokens import store as token_store
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.settings import Role, Settings, TokenGrant

SESSION_COOKIE = "calling_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
BELIEVED_S = 3.0
"""How long what the database said of a token or session is believed."""
_RENEWAL_S = 1.0
"""While one request asks again, others go by the last answer for so long at most."""
_MOST_KNOWN = 10_000
_SAFE = ("GET", "HEAD", "OPTIONS")
_FORM = "application/x-www-form-urlencoded"

Pool = AsyncConnectionPool[Any]
Look = Callable[[psycopg.AsyncConnection[Any]], Awaitable[Caller | None]]


@dataclass(frozen=True)
class Needs:
    """What a route asks of its caller. `own`: it narrows a caller who is bound to a collector to what is theirs."""

    role: Role
    room: Room
    own: bool = False


@dataclass(slots=True)
class Shown:
    """What a request shows of who sends it."""

    authorization: str = ""
    session: str = ""
    named: str = ""
    csrf: str = ""


@dataclass(slots=True)
class _Known:
    caller: Caller
    until: float


class Gate:
    """Knows who callers are. `pool` is set when the server starts; tokens of the settings need none."""

    pool: Pool | None = None

    def __init__(self, settings: Settings) -> None:
        granted = settings.token_grants().items()
        self._granted = {secret.digest_of(token): _of_grant(token, grant) for token, grant in granted}
        self._follows_person = settings.api_tokens is None
        header = settings.trusted_user_header
        self._header = header.lower().encode() if header else None
        self._proxies = [ipaddress.ip_network(one) for one in settings.proxies()]
        self._csrf_key = secret.csrf_token(settings.secret_key_bytes().hex()) if header else ""
        self._known: dict[object, _Known] = {}

    def shown_by(self, scope: Scope) -> Shown:
        """What the headers of a request show; a proxy's header counts only when it comes once and from a trusted address."""
        shown, names = Shown(), []
        for name, value in scope["headers"]:
            if name == b"authorization":
                shown.authorization = value.decode("latin-1")
            elif name == b"cookie":
                shown.session = shown.session or _cookie(value.decode("latin-1"))
            elif name == b"x-csrf-token":
                shown.csrf = value.decode("latin-1")
            elif name == self._header:
                names.append(value.decode(errors="replace").strip())
        if len(names) == 1 and self._is_proxy((scope.get("client") or ("", 0))[0]):
            shown.named = names[0]
        return shown

    async def caller(self, shown: Shown) -> Caller | None:
        """Who shows this; None for nobody. A token comes before a session, a session before a proxy's word.

        Raises `DatabaseUnavailable` when it must be looked up and cannot.
        """
        if shown.authorization:
            scheme, _, token = shown.authorization.partition(" ")
            return await self._of_token(token) if scheme.lower() == "bearer" and token else None
        if shown.session:
            found = await self._of_session(shown.session)
            if found is not None:
                return found
        return await self._of_name(shown.named) if shown.named else None

    def address_of(self, scope: Scope) -> str:
        """The address a request comes from; behind a trusted proxy, the last one that no trusted proxy has."""
        peer = (scope.get("client") or ("", 0))[0]
        if not self._is_proxy(peer):
            return str(peer)
        named = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
        passed = [one.strip() for one in named.split(",") if one.strip()]
        return next((one for one in reversed(passed) if not self._is_proxy(one)), str(peer))

    def forget(self, session: str) -> None:
        """Believe nothing more of this session: it was ended here."""
        self._known.pop(("session", secret.digest_of(session)), None)

    async def _of_token(self, token: str) -> Caller | None:
        digest = secret.digest_of(token)
        granted = self._granted.get(digest)
        if granted is None:
            return await self._looked_up(digest, lambda connection: _stored(connection, digest))
        if not granted.has_name:
            return granted.caller
        follows = self._follows_person
        return await self._looked_up(digest, lambda connection: _named_grant(connection, granted.caller, follows=follows))

    async def _of_session(self, value: str) -> Caller | None:
        digest = secret.digest_of(value)

        async def look(connection: psycopg.AsyncConnection[Any]) -> Caller | None:
            found = await session_store.person_of(connection, digest, now=days.now())
            if found is None:
                return None
            return Caller.of(found[1], session_id=found[0], csrf=secret.csrf_token(value))

        return await self._looked_up(("session", digest), look)

    async def _of_name(self, name: str) -> Caller | None:
        async def look(connection: psycopg.AsyncConnection[Any]) -> Caller | None:
            person = await people_store.find_by_name(connection, name)
            if person is None or not person.active:
                return None
            return Caller.of(person, csrf=secret.csrf_token(f"{self._csrf_key}:{person.id}"))

        return await self._looked_up(("name", name), look)

    async def _looked_up(self, key: object, look: Look) -> Caller | None:
        known, now = self._known.get(key), time.monotonic()
        if known is not None and now < known.until:
            return known.caller
        if known is not None:
            known.until = now + _RENEWAL_S
        try:
            async with _connection(self.pool) as connection:
                caller = await look(connection)
        except psycopg.errors.UndefinedTable:
            caller = None  # before the first migration nobody is stored
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            self._known.pop(key, None)
            raise DatabaseUnavailable("the database could not say who this is; try again shortly") from error
        if caller is None:
            self._known.pop(key, None)
            return None
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = _Known(caller, time.monotonic() + BELIEVED_S)
        return caller

    def _is_proxy(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


async def admit(gate: Gate, scope: Scope, needs: Needs, *, csrf: str = "") -> Caller:
    """The caller of this request, who may do what `needs` says. `csrf` is the form's field, where there is a form.

    Raises `HTTPException` 401 for nobody known; `Forbidden` for a lesser role, a room that is closed to callers of one
    tenant, and a change through a session without its token; `DatabaseUnavailable`.
    """
    shown = gate.shown_by(scope)
    caller = await gate.caller(shown)
    if caller is None:
        raise HTTPException(401, "a known bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
    if caller.csrf and scope["method"] not in _SAFE and not secret.same(shown.csrf or csrf, caller.csrf):
        raise HTTPException(403, f"a change through a session needs its token in {CSRF_HEADER} or the field {CSRF_FIELD}")
    caller.require(needs.role, needs.room, own=needs.own)
    return caller


class Requirement(SecurityBase):
    """The dependency of an endpoint: one step that reads the headers, and the scheme in the OpenAPI description."""

    def __init__(self, needs: Needs) -> None:
        self.model = HTTPBearerModel(description="A token of CALLING_API_TOKENS or of `calling-pipeline users token add`")
        self.scheme_name = "bearer token"
        self.needs = needs

    async def __call__(self, request: Request) -> Caller:
        return await admit(request.app.state.gate, request.scope, self.needs, csrf=await _form_field(request))


def requires(role: Role, room: Room, *, own: bool = False) -> Requirement:
    """A dependency that yields the caller, who has `role` or above and may enter `room`; refuses as `admit` does.

    `own`: the route narrows a caller who is bound to a collector to what is theirs; without it such a caller is refused.
    """
    return Requirement(Needs(role, room, own))


@dataclass(frozen=True)
class _Granted:
    caller: Caller
    has_name: bool


def _of_grant(token: str, grant: TokenGrant) -> _Granted:
    name = grant.name or f"{grant.role}-{secret.digest_of(token).hex()[:6]}"
    caller = Caller(grant.role, grant.tenant, name, grant.collector, frozenset(grant.grants))
    return _Granted(caller, grant.name is not None)


async def _stored(connection: psycopg.AsyncConnection[Any], digest: bytes) -> Caller | None:
    person = await token_store.person_of(connection, digest, now=days.now())
    return None if person is None else Caller.of(person)


async def _named_grant(connection: psycopg.AsyncConnection[Any], granted: Caller, *, follows: bool) -> Caller | None:
    """The caller of a token of the settings that names a person: refused when that person is disabled.

    `follows`: the token was generated for the first admin, and may what that person may.
    """
    try:
        person = await people_store.find_by_name(connection, granted.name)
    except psycopg.errors.UndefinedTable:
        return granted  # the migration that makes the table is called with this token
    if person is None:
        return granted
    if not person.active:
        return None
    return Caller.of(person) if follows else replace(granted, name=person.name, person_id=person.id)


def _connection(pool: Pool | None) -> Any:
    if pool is None:
        raise DatabaseUnavailable("the server is still starting; try again shortly")
    return pool.connection(timeout=5)


def _cookie(header: str) -> str:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION_COOKIE:
            return value
    return ""


async def _form_field(request: Request) -> str:
    """The token in the form of a page; read only where a session may need it."""
    headers = request.headers
    if request.method in _SAFE or CSRF_HEADER in headers or "cookie" not in headers:
        return ""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return ""
    fields = parse_qs((await request.body()).decode(errors="replace"), max_num_fields=1000)
    return fields.get(CSRF_FIELD, [""])[0]
