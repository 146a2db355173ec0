"""Erases one person: the number becomes a token everywhere, what was written about them is emptied, a certificate is kept.

In one transaction, so that all of it is done or nothing. Whoever asks the contact policy about the number waits until it
ends and is refused from then on; a plan that is being made ends first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.door import current_door
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.call_batches.calls.archives import archiving
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.erased import entering
from calling_pipeline.contact_policy.erased import store as erased
from calling_pipeline.database import locks
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.masking import mask_digits
from calling_pipeline.persons import store
from calling_pipeline.persons.dependencies import PersonDependencies
from calling_pipeline.persons.finding import left_in_files, obstacle, person_of
from calling_pipeline.persons.places import PLACES
from calling_pipeline.persons.records import ARCHIVED, Certificate, Found, Person

KEPT: Sequence[tuple[str, str]] = (
    ("a keyed hash of the number in erased_persons",
     "so that the number is never called again: the person's own request, which must be heeded (PIPL Art. 24, 47)"),
    ("rows under that hash: counts, times, results, credits",
     "they name nobody; records of what was done are kept as long as the law and the accounts need them (PIPL Art. 19, 47)"),
    ("the audit log and this certificate, with the number masked",
     "proof of who acted and when (PIPL Art. 51, 54)"),
    ("masked numbers in files of exports until they expire, and in Dagster's event log",
     "138****0000 names nobody by itself; both are deleted by their retention"),
    ("the customer's own source tables, contract ledgers and the vendors' records",
     "they belong to somebody else, who erases them; when the number comes in again it is stored under the hash or masked,"
     " or refused where it would only be called"),
)  # fmt: skip


def erase(connection: sa.Connection, deps: PersonDependencies, text: str, *, by: str, reason: str) -> Certificate:
    """Erase the person of this number in the caller's transaction; the certificate.

    Calls that wait are skipped. Raises `Conflict` while a call to the number is being made or its outcome is unknown,
    `InvalidInput` for what is no number or without a reason.
    """
    if not reason.strip():
        raise InvalidInput("an erasure needs a reason: who asked for it, and how", field="reason")
    entering.shut(connection)
    locks.hold(connection, "call batches", "planning")
    person = person_of(connection, deps, text)
    store.hold_rows(connection, person)
    gate.wait_for_others(connection, person.phone)
    person = store.with_calls(connection, person)
    hindered = obstacle(connection, person)
    if hindered:
        raise Conflict(hindered)
    now = days.now()
    left = left_in_files(connection, person)
    erased.add(connection, person.token, now)
    store.allow_changes(connection)
    skipped = store.skip_pending(connection, person)
    store.make_room(connection, person)
    found = [Found(place.label, store.change(connection, place, person), place.what) for place in PLACES]
    archived = archiving.erase(connection, deps.archives, person.phone, token=person.token, digits=person.digits)
    found.append(Found(ARCHIVED[0], archived, ARCHIVED[1]))
    files = _delete_recordings(connection, deps, person)
    document = _document([one for one in found if one.rows], person, files, skipped, left, by=by, reason=reason)
    digest = digest_of(document)
    number = store.add_certificate(connection, person.token, document, digest, by=by, now=now)
    after = {
        "rows": {one.place: one.rows for one in found if one.rows},
        "files": files,
        "skipped": skipped,
        "digest": digest,
    }
    note_act(connection, "person.erase", f"person_certificate:{number}", by=by, reason=reason, after=after)
    return certificate(connection, number)


def certificate(connection: sa.Connection, number: int) -> Certificate:
    """A certificate that was made. Raises `NotFound`; `Conflict` when it is not as it was made."""
    found = store.certificate(connection, number)
    if found is None:
        raise NotFound(f"there is no certificate {number}; `calling-pipeline person certificates` lists them")
    if digest_of(found.document) != found.digest:
        raise Conflict(f"certificate {number} is not as it was made: its digest differs")
    return found


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of the document, with sorted names."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def lines_of(found: Certificate) -> list[str]:
    """The certificate as text."""
    document = found.document
    return [
        f"Certificate of erasure {found.id}",
        f"number {document['number']} ({document['token']})",
        f"erased {document['erased_at']} by {document['by']} ({document['door']}): {document['reason']}",
        *(f"erased in {one['place']}: {one['rows']} rows ({one['what']})" for one in document["erased"]),
        f"recordings deleted: {document['recordings']}; waiting calls skipped: {document['skipped']}",
        *(f"kept: {one['what']}, because {one['why']}" for one in document["kept"]),
        *(f"still to be removed by its owner: {one}" for one in document["left"]),
        f"SHA-256 {found.digest}",
    ]


def _delete_recordings(connection: sa.Connection, deps: PersonDependencies, person: Person) -> int:
    """Deletes the files first: should the transaction fail, their rows say so when they are played, and it is done again."""
    known = store.recordings(connection, person)
    for _, file in known:
        if file is not None:
            deps.recordings.delete(file)
    store.recordings_deleted(connection, [record for record, _ in known], days.now())
    return sum(file is not None for _, file in known)


def _document(
    found: Sequence[Found], person: Person, files: int, skipped: int, left: Sequence[str], *, by: str, reason: str
) -> dict[str, Any]:
    return {
        "number": person.masked,
        "token": person.token,
        "erased_at": days.wall_clock(days.now()),
        "by": by,
        "door": current_door(),
        "reason": mask_digits(reason.strip()),
        "erased": [{"place": one.place, "rows": one.rows, "what": one.what} for one in found],
        "recordings": files,
        "skipped": skipped,
        "kept": [{"what": what, "why": why} for what, why in KEPT],
        "left": list(left),
    }
