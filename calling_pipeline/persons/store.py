"""The SQL of people: what is there of one, what erasure makes of it, certificates. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_batches.calls.tables import call_tasks, gateway_refusals
from calling_pipeline.call_batches.history.tables import call_history
from calling_pipeline.contact_policy.tables import do_not_call
from calling_pipeline.database.sql import load
from calling_pipeline.notifications.contracts.tables import contract_ledgers
from calling_pipeline.persons.places import Place
from calling_pipeline.persons.records import Certificate, Person
from calling_pipeline.persons.spellings import masked_in
from calling_pipeline.persons.tables import person_certificates
from calling_pipeline.telephony.calls.kept_callbacks.tables import kept_callbacks
from calling_pipeline.telephony.calls.recordings.tables import call_recordings
from calling_pipeline.telephony.calls.tables import communication_records
from calling_pipeline.telephony.desk.cases.tables import collector_cases

_OBSTACLES = load("persons/obstacles")
_MERGE_HISTORY = load("persons/merge_history")
_c = person_certificates.c
_CERTIFICATE = sa.select(_c.id, _c.made_at, _c.made_by, _c.document, _c.digest)


def hold_rows(connection: sa.Connection, person: Person) -> None:
    """Wait for whoever works on the number's calls; in the order in which a push locks: rows first, then the number."""
    wanted = sa.select(call_tasks.c.id).where(call_tasks.c.phone == person.phone).order_by(call_tasks.c.id).with_for_update()
    connection.execute(wanted)


def obstacles(connection: sa.Connection, person: Person) -> Sequence[Any]:
    """(kind, place, id, state) of calls that are under way or unknown."""
    return connection.execute(_OBSTACLES, {"phone": person.phone, "digests": list(person.digests)}).all()


def with_calls(connection: sa.Connection, person: Person) -> Person:
    """The person with the ids of their calls and cases in telephony."""
    r, c = communication_records.c, collector_cases.c
    calls = connection.execute(sa.select(r.id, r.call_uuid, r.reference).where(r.destination_hash.in_(person.digests))).all()
    cases = connection.execute(sa.select(c.id).where(c.phone_hash.in_(person.digests))).scalars().all()
    uuids = [name for call in calls for name in (call.call_uuid, call.reference) if name]
    return replace(person, records=[call.id for call in calls], uuids=uuids, cases=cases)


def count(connection: sa.Connection, place: Place, person: Person) -> int:
    """How many rows of a place are about the person."""
    wanted = sa.select(sa.func.count()).select_from(place.table).where(place.of(person))
    return connection.execute(wanted).scalar_one()


def rows(connection: sa.Connection, place: Place, person: Person) -> Sequence[Mapping[str, Any]]:
    """The rows of a place about the person."""
    return [dict(row) for row in connection.execute(sa.select(place.table).where(place.of(person))).mappings()]


def skip_pending(connection: sa.Connection, person: Person) -> int:
    """Calls that wait to be made are not made; how many."""
    t = call_tasks.c
    statement = call_tasks.update().where(t.phone == person.phone, t.state == "pending")
    return connection.execute(statement.values(state="skipped", reason="do_not_call")).rowcount


def make_room(connection: sa.Connection, person: Person) -> None:
    """Of tables that have one row per number: what is there under the token already takes what came again."""
    h = call_history.c
    if connection.execute(sa.select(h.phone).where(h.phone == person.token)).first() is not None:
        connection.execute(_MERGE_HISTORY, {"phone": person.phone, "token": person.token})
    for table, *same in ((gateway_refusals,), (do_not_call, "source")):
        known = table.alias()
        there = sa.exists().where(known.c.phone == person.token, *(known.c[name] == table.c[name] for name in same))
        connection.execute(table.delete().where(table.c.phone == person.phone, there))


def allow_changes(connection: sa.Connection) -> None:
    """From now on this transaction may put a token in the place of a number in tables that are append-only."""
    connection.execute(sa.text("SELECT set_config('calling.erasing', 'on', true)"))


def change(connection: sa.Connection, place: Place, person: Person) -> int:
    """Make of a place's rows what erasure makes of them; how many."""
    if place.texts:
        return _mask_texts(connection, place, person)
    return connection.execute(place.table.update().where(place.of(person)).values(**place.becomes(person))).rowcount


def _mask_texts(connection: sa.Connection, place: Place, person: Person) -> int:
    table, keys = place.table, list(place.table.primary_key.columns)
    wanted = sa.select(*keys, *(table.c[name] for name in place.texts)).where(place.of(person))
    rows = connection.execute(wanted.with_for_update()).mappings().all()
    for row in rows:
        values = {name: masked_in(row[name], person.digits) for name in place.texts}
        connection.execute(table.update().where(*(key == row[key.name] for key in keys)).values(values))
    return len(rows)


def sealed_bodies(connection: sa.Connection) -> Sequence[Any]:
    """(id, config_id, body_digest, body_sealed) of reports that cannot be read and wait."""
    t = kept_callbacks.c
    wanted = sa.select(t.id, t.config_id, t.body_digest, t.body_sealed).where(t.body_sealed.is_not(None))
    return connection.execute(wanted).all()


def recordings(connection: sa.Connection, person: Person) -> Sequence[tuple[int, str | None]]:
    """(record, file) of the person's recordings that are kept or wanted, locked against who seals or deletes files."""
    t = call_recordings.c
    wanted = sa.select(t.record_id, t.file).where(t.record_id.in_(person.records), t.state != "deleted").with_for_update()
    return [(row.record_id, row.file) for row in connection.execute(wanted)]


def recordings_deleted(connection: sa.Connection, records: Sequence[int], now: dt.datetime) -> None:
    """Keep that their sound is gone, and is not fetched any more."""
    gone = call_recordings.update().where(call_recordings.c.record_id.in_(records))
    connection.execute(gone.values(state="deleted", file=None, failure="", deleted_at=now))


def ledgers(connection: sa.Connection) -> Sequence[Any]:
    """(file, content, encoding) of the contract ledgers as last read."""
    t = contract_ledgers.c
    return connection.execute(sa.select(t.csv_file, t.content, t.encoding)).all()


def add_certificate(
    connection: sa.Connection, token: str, document: Mapping[str, Any], digest: str, *, by: str, now: dt.datetime
) -> int:
    """Keep a certificate; its id."""
    values = {"token": token, "made_at": now, "made_by": by, "document": document, "digest": digest}
    return connection.execute(person_certificates.insert().values(**values).returning(_c.id)).scalar_one()


def certificate(connection: sa.Connection, number: int) -> Certificate | None:
    """One certificate."""
    row = connection.execute(_CERTIFICATE.where(_c.id == number)).one_or_none()
    return None if row is None else Certificate(**row._mapping)


def certificates(connection: sa.Connection, *, token: str | None = None, limit: int = 100) -> list[Certificate]:
    """The newest certificates, of one token or all."""
    found = _CERTIFICATE.order_by(_c.id.desc()).limit(limit)
    found = found if token is None else found.where(_c.token == token)
    return [Certificate(**row._mapping) for row in connection.execute(found)]
