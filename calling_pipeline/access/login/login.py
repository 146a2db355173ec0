"""Logging in and out of pages: by name and password, or by a link that works once.

Every login, refused login and logout is one row of the audit log. What was typed as a name that nobody has is kept nowhere:
it may be a password.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access import secret
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.login import store
from calling_pipeline.access.login.records import LINK_VALID, OF_A_NAME, OF_AN_ADDRESS
from calling_pipeline.access.people import passwords, people
from calling_pipeline.access.people import store as people_store
from calling_pipeline.access.people.records import Person
from calling_pipeline.access.sessions import store as session_store
from calling_pipeline.access.sessions.records import LONGEST, Session
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import Conflict, InvalidInput, LoginRefused, NotFound, SlowedDown

UNKNOWN = "unknown"
_WRONG = "the name or the password is wrong"
_SPENT = "this link was used already, or it expired; ask for a new one"


def by_password(engine: sa.Engine, name: str, password: str, *, address: str, replaces: str = "") -> Session:
    """Log in; `replaces` is the secret of the session that this browser had before. Blocks while the password is verified.

    Raises `LoginRefused`, the same for a wrong password, a disabled person and a name that nobody has; `SlowedDown` when
    this name or this address tried too often; `Busy` when too many log in at this moment.
    """
    keys = _keys(name, address)
    _count(engine, keys)
    with _transaction(engine) as connection:
        person = people_store.by_name(connection, name.strip())
        stored = people_store.password_hash(connection, person.id) if person else None
    right = passwords.matches(stored, password)
    with _transaction(engine) as connection:
        if person is not None and right:
            now = people_store.by_name(connection, person.name, lock=True)
            if now is not None and now.active and people_store.password_hash(connection, now.id) == stored:
                store.forget_attempts(connection, keys[0], now=days.now())
                store.uncount_attempt(connection, keys[1])
                return _opened(connection, now, address=address, replaces=replaces, way="password")
        _note_refused(connection, person, address=address, way="password")
    raise LoginRefused(_WRONG)


def by_link(engine: sa.Engine, link: str, *, address: str, replaces: str = "") -> Session:
    """Log in by the secret of a link, which is used up. Raises `LoginRefused`, `SlowedDown`."""
    keys = _keys("", address)[1:]
    _count(engine, keys)
    with _transaction(engine) as connection:
        person_id = store.use_link(connection, secret.digest_of(link), now=days.now())
        if person_id is not None:
            store.uncount_attempt(connection, keys[0])
            person = people_store.by_id(connection, person_id)
            return _opened(connection, person, address=address, replaces=replaces, way="link")
        _note_refused(connection, None, address=address, way="link")
    raise LoginRefused(_SPENT)


def end(engine: sa.Engine, session: str) -> None:
    """Log out: the session with this secret ends. A session that has ended stays so."""
    with _transaction(engine) as connection:
        person_id = session_store.end(connection, secret.digest_of(session), at=days.now())
        if person_id is not None:
            person = people_store.by_id(connection, person_id)
            subject = f"person:{person.name}"
            note_act(connection, "login.end", subject, by=person.name, tenant_id=person.tenant_id)


def end_others(connection: sa.Connection, person: Person, *, keeps: int | None, by: str) -> int:
    """End the sessions of a person but `keeps`; how many there were."""
    ended = session_store.end_all(connection, person.id, at=days.now(), but=keeps)
    if ended:
        _note_end(connection, person, by=by, sessions=ended)
    return ended


def end_one(connection: sa.Connection, person: Person, session_id: int, *, by: str) -> None:
    """End one session of a person. Raises `NotFound` when it has ended or is another's."""
    if not session_store.end_one(connection, person.id, session_id, at=days.now()):
        raise NotFound("this session has ended already")
    _note_end(connection, person, by=by, sessions=1)


def change_own_password(engine: sa.Engine, name: str, old: str, new: str, *, address: str, keeps: int | None = None) -> int:
    """Let a person replace their own password; their other sessions end, and how many those were is returned.

    Who has no password yet, because they came by a link, gives an empty `old`. A wrong one counts as an attempt to log in
    and slows the next. Raises `InvalidInput` naming the field, `SlowedDown`, `Busy`, and `NotFound`.
    """
    _count(engine, _keys(name, address))
    with _transaction(engine) as connection:
        person = people.find(connection, name)
        before = people_store.password_hash(connection, person.id)
    right = passwords.matches(before, old) if before is not None else True
    if right:
        stored = passwords.hashed(new)
        with _transaction(engine) as connection:
            person = people.find(connection, name, lock=True)
            if person.active and people_store.password_hash(connection, person.id) == before:
                store.forget_attempts(connection, _keys(name, address)[0], now=days.now())
                store.uncount_attempt(connection, _keys(name, address)[1])
                return people.keep_password(connection, person, stored, by=person.name, keeps=keeps)
    raise InvalidInput("the present password is wrong", field="old")


def make_link(connection: sa.Connection, name: str, *, by: str) -> str:
    """The secret of a link that logs this person in once within ten minutes. Raises `NotFound`, `Conflict` if disabled."""
    person = people.find(connection, name)
    if not person.active:
        raise Conflict(f"{person.name} is disabled; enable the person first")
    link, now = secret.new_secret(), days.now()
    digest = secret.digest_of(link)
    store.add_link(connection, digest=digest, person_id=person.id, at=now, by=by, expires_at=now + LINK_VALID)
    note_act(connection, "login.link", f"person:{person.name}", by=by, tenant_id=person.tenant_id)
    return link


def _opened(connection: sa.Connection, person: Person, *, address: str, replaces: str, way: str) -> Session:
    """A new session with a secret of its own: one that a browser brought along is never taken over."""
    now = days.now()
    if replaces:
        session_store.end(connection, secret.digest_of(replaces), at=now)
    value = secret.new_secret()
    expires_at = now + LONGEST
    session_id = session_store.add(
        connection, digest=secret.digest_of(value), person_id=person.id, at=now, expires_at=expires_at
    )
    after = {"address": address, "way": way}
    note_act(connection, "login.accept", f"person:{person.name}", by=person.name, tenant_id=person.tenant_id, after=after)
    return Session(session_id, value, secret.csrf_token(value), person, expires_at)


def _note_end(connection: sa.Connection, person: Person, *, by: str, sessions: int) -> None:
    subject, after = f"person:{person.name}", {"sessions": sessions}
    note_act(connection, "login.end", subject, by=by, tenant_id=person.tenant_id, after=after)


def _note_refused(connection: sa.Connection, person: Person | None, *, address: str, way: str) -> None:
    name = person.name if person else UNKNOWN
    tenant = person.tenant_id if person else None
    after = {"address": address, "way": way}
    note_act(connection, "login.refuse", f"person:{name}", by=name, tenant_id=tenant, after=after)


def _keys(name: str, address: str) -> tuple[bytes, bytes]:
    def digest(kind: str, text: str) -> bytes:
        return hashlib.sha256(f"{kind}:{text}".encode(errors="replace")).digest()

    return digest("name", name.strip().lower()), digest("address", address)


def _count(engine: sa.Engine, keys: tuple[bytes, ...]) -> None:
    """Count the attempt and commit that, whatever comes of it. Raises `SlowedDown`."""
    slowings = (OF_A_NAME, OF_AN_ADDRESS)[-len(keys) :]
    waits = []
    for key, slowing in reversed(list(zip(keys, slowings, strict=True))):
        with _transaction(engine) as connection:
            waits.append(store.count_attempt(connection, key, slowing, now=days.now()))
        if waits[-1]:
            break
    if max(waits):
        raise SlowedDown(f"too many logins failed; try again in {max(waits):.0f} s", retry_after_s=max(waits))


@contextmanager
def _transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    with reachable(engine) as connection, connection.begin():
        yield connection
