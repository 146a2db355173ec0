"""Finds what is kept about one person, and gives it out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.call_batches.calls.archives import archiving
from calling_pipeline.contact_policy.erased import store as erased
from calling_pipeline.contact_policy.erased import tokens
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import InvalidInput, SecretUnreadable
from calling_pipeline.masking import mask_phone, phone_hash
from calling_pipeline.persons import store
from calling_pipeline.persons.dependencies import PersonDependencies
from calling_pipeline.persons.places import PLACES, SEALED
from calling_pipeline.persons.records import ARCHIVED, Document, Found, Person, Preview
from calling_pipeline.persons.spellings import pattern_of
from calling_pipeline.phones import canonical_phone
from calling_pipeline.telephony.calls.kept_callbacks.store import owner_of as owner_of_body

_NATIONAL = 11


def person_of(connection: sa.Connection, deps: PersonDependencies, text: str) -> Person:
    """The person of a number in any spelling. Raises `InvalidInput` for what is no number."""
    phone = canonical_phone(text)
    if phone is None:
        raise InvalidInput("that is no telephone number", field="phone")
    key = erased.key_or_new(connection)
    token = tokens.token_of(key, phone)
    person = Person(
        phone=phone,
        digits="".join(filter(str.isdigit, phone))[-_NATIONAL:],
        masked=mask_phone(phone),
        digests=[phone_hash(key, phone) for key in deps.phone_keys],
        token=token,
        token_digest=phone_hash(deps.phone_keys[0], token),
    )
    return store.with_calls(connection, replace(person, kept=_kept_bodies(connection, deps.secrets, person)))


def _kept_bodies(connection: sa.Connection, secrets: SecretBox, person: Person) -> list[int]:
    """Reports that wait because they cannot be read, and in which the number stands; few ever wait.

    One that no key opens is passed over: nobody reads a number in it.
    """
    pattern, found = re.compile(pattern_of(person.digits)), []
    for row in store.sealed_bodies(connection):
        try:
            body = secrets.open(bytes(row.body_sealed), owner=owner_of_body(row.config_id, bytes(row.body_digest)))
        except SecretUnreadable:
            continue
        if pattern.search(body.encode("latin-1").decode("utf-8", "replace")):
            found.append(row.id)
    return found


def preview(connection: sa.Connection, deps: PersonDependencies, text: str) -> Preview:
    """What an erasure of this number would do now; nothing is changed."""
    person = person_of(connection, deps, text)
    found = [Found(place.label, store.count(connection, place, person), place.what) for place in PLACES]
    found.append(Found(ARCHIVED[0], len(_archived(connection, deps, person)), ARCHIVED[1]))
    return Preview(
        number=person.masked,
        found=[one for one in found if one.rows],
        files=sum(file is not None for _, file in store.recordings(connection, person)),
        left=left_in_files(connection, person),
        erased_before=[one.id for one in store.certificates(connection, token=person.token)],
        obstacle=obstacle(connection, person),
    )


def obstacle(connection: sa.Connection, person: Person) -> str:
    """Why this person cannot be erased now, in a sentence; empty when they can."""
    under_way = store.obstacles(connection, person)
    if not under_way:
        return ""
    named = [
        f"call {row.id} of batch {row.place} is {row.state}"
        if row.kind == "batch"
        else f"telephony's call {row.id} is {row.state}"
        for row in under_way[:3]
    ]
    return (
        f"{person.masked} cannot be erased now: {'; '.join(named)}. Nothing was changed; wait until it has ended,"
        " or settle it, and ask again"
    )


def export(connection: sa.Connection, deps: PersonDependencies, text: str, *, by: str, reason: str = "") -> Document:
    """Everything kept about the person of this number, for that person: rows in full, keys and seals left out.

    Notes the act. Raises `InvalidInput` for what is no number.
    """
    person = person_of(connection, deps, text)
    tables: dict[str, Any] = {}
    for place in PLACES:
        rows = store.rows(connection, place, person)
        if rows:
            shown = [{name: _plain(value) for name, value in row.items() if name not in SEALED} for row in rows]
            tables[place.label] = {"what": place.what, "rows": shown}
    archived = _archived(connection, deps, person)
    if archived:
        tables[ARCHIVED[0]] = {
            "what": ARCHIVED[1],
            "rows": [{key: _plain(value) for key, value in row.items()} for row in archived],
        }
    sounds = [record for record, _ in store.recordings(connection, person)]
    known = store.certificates(connection, token=person.token)
    counts = {name: len(entry["rows"]) for name, entry in tables.items()}
    note_act(connection, "person.export", f"number:{person.masked}", by=by, reason=reason, after={"rows": counts})
    return {
        "number": person.phone,
        "made_at": days.wall_clock(days.now()),
        "tables": tables,
        "recordings_of_calls": sounds,
        "contract_ledgers": left_in_files(connection, person),
        "erased_before": [{"certificate": one.id, "at": days.wall_clock(one.made_at)} for one in known],
    }


def left_in_files(connection: sa.Connection, person: Person) -> list[str]:
    """Where the number stands in files of the customer's own, which nobody but their owner changes."""
    found = []
    for name, content, encoding in store.ledgers(connection):
        lines = bytes(content).decode(encoding, "replace").splitlines()
        numbers = [str(place) for place, line in enumerate(lines, 1) if person.digits in line]
        if numbers:
            found.append(f"{name}: line {', '.join(numbers[:20])}")
    return found


def _archived(connection: sa.Connection, deps: PersonDependencies, person: Person) -> list[Document]:
    """Rows of old batches about the person, which are in month files."""
    return [dict(row) for row in archiving.find(connection, deps.archives, person.phone, digits=person.digits)]


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, str | int | float | bool | list | dict) or value is None:
        return value
    return str(value)
