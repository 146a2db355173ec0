"""Issuing and revoking tokens. Each act is noted in the audit log, in its own transaction."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access import secret
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.people import people
from calling_pipeline.access.tokens import store
from calling_pipeline.access.tokens.records import Token
from calling_pipeline.errors import Conflict, InvalidInput, NotFound

LONGEST_LABEL = 200
LONGEST_DAYS = 3660


def issue(connection: sa.Connection, name: str, *, label: str, by: str, valid_days: int | None = None) -> tuple[Token, str]:
    """A new token of this active person, and its secret, which is kept nowhere. `valid_days` None: until it is revoked.

    Raises `NotFound`, `Conflict` for a disabled person, `InvalidInput` naming the field.
    """
    person = people.find(connection, name)
    if not person.active:
        raise Conflict(f"{person.name} is disabled; enable the person first")
    if len(label.strip()) > LONGEST_LABEL or not label.strip().isprintable():
        raise InvalidInput(f"a label has at most {LONGEST_LABEL} characters and no line break", field="label")
    if valid_days is not None and not 1 <= valid_days <= LONGEST_DAYS:
        raise InvalidInput(f"a token is valid for 1 to {LONGEST_DAYS} days", field="valid_days")
    now = days.now()
    expires_at = None if valid_days is None else now + dt.timedelta(days=valid_days)
    token = secret.new_secret()
    token_id = store.add(
        connection,
        digest=secret.digest_of(token),
        person_id=person.id,
        label=label.strip(),
        at=now,
        by=by,
        expires_at=expires_at,
    )
    made = store.listed(connection, token_id=token_id)[0]
    after = {"token": token_id, "label": made.label, "expires_at": expires_at.isoformat() if expires_at else None}
    note_act(connection, "token.issue", f"person:{person.name}", by=by, tenant_id=person.tenant_id, after=after)
    return made, token


def revoke(connection: sa.Connection, token_id: int, *, by: str, reason: str = "") -> Token:
    """From now on the token proves nobody; every server sees it within five seconds.

    Raises `NotFound`; a token that was revoked before stays so.
    """
    done = store.revoke(connection, token_id, at=days.now())
    found = store.listed(connection, token_id=token_id)
    if not found:
        raise NotFound(f"there is no token {token_id}")
    if done:
        person = people.find(connection, found[0].person)
        before = {"token": token_id, "label": found[0].label}
        subject = f"person:{person.name}"
        note_act(connection, "token.revoke", subject, by=by, reason=reason, tenant_id=person.tenant_id, before=before)
    return found[0]
