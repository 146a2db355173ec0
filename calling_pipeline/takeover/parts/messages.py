"""What was sent about contracts and technicians: ledgers, send_status files and the old task table say it together.

Nothing is sent. What ledger and others both call sent is delivered; where they contradict each other, and where a sending
may have been under way, the message is unknown and a person settles it; what neither calls sent is left to be notified.
A source that says nothing of messages leaves the ledgers that are configured here to the one that does: alone they would
settle what others may contradict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline.errors import InvalidInput
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.ledger_files import read_ledger
from calling_pipeline.notifications.contracts.legacy import read_statuses, take_contracts
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.json_file import read_json
from calling_pipeline.notifications.technicians.legacy import import_technicians
from calling_pipeline.takeover import values
from calling_pipeline.takeover.job import Job, Work
from calling_pipeline.takeover.records import Counts

_CONTRACT = ("contract_id", "contractId", "_id", "合同ID(_id)")
_NOWHERE = "nothing"
"""How `take_contracts` takes a claim about a contract that its ledger does not have."""


def take(job: Job, connection: sa.Connection, counts: Counts) -> None:
    """Take what was sent about the contracts of every ledger, and about the technicians' changes of every file."""
    files = {name: job.source.files(job.mapped.words("files", name)) for name in ("send_status", "technicians", "ledgers")}
    technicians = files["technicians"]
    claims = read_statuses([path for path in files["send_status"] if path not in technicians])
    for contract, sent in _claims_of_tasks(job, counts).items():
        claims[contract] = claims.get(contract, False) or sent
    counts.note("statements_about_contracts", times=len(claims))
    ledgers = _ledgers(job, files["ledgers"]) if claims or files["ledgers"] else {}
    nowhere = {contract for contract, sent in claims.items() if sent}
    for path, known_as in ledgers.items():
        nowhere -= _take_ledger(job, connection, path, known_as, claims, counts)
    counts.rows_read += len(nowhere)
    counts.refuse("no_such_contract", len(nowhere))
    for contract in sorted(nowhere):
        counts.note("sent_without_a_ledger", contract)
    for path in technicians:
        _take_technicians(job, connection, path, counts)


def _ledgers(job: Job, found: list[Path]) -> Mapping[Path, Path]:
    """Ledger to read → the file it is here. One that is configured here under the same name stays that one."""
    ours = {path.name: path for path in job.runtime.settings.contract_ledgers if path.exists()}
    ledgers = {path: ours.get(path.name, path) for path in found if _is_ledger(path)}
    taken = {path.name for path in ledgers}
    return {**ledgers, **{path: path for name, path in ours.items() if name not in taken}}


def _is_ledger(path: Path) -> bool:
    try:
        read_ledger(path)
    except InvalidInput:
        return False
    return True


def _take_ledger(
    job: Job, connection: sa.Connection, path: Path, known_as: Path, claims: Mapping[str, bool], counts: Counts
) -> set[str]:
    """Take one ledger; returns the contracts it knows."""
    deps = NotificationDependencies.from_runtime(job.runtime)
    ledger = read_ledger(path)
    known = {contract for contract in claims if ledger.knows(contract)}
    mine = {contract: sent for contract, sent in claims.items() if contract in known}
    names = Names(deps.robots, deps.users)
    done = take_contracts(connection, path, mine, deps.plan, names, by=job.by, known_as=known_as)
    settled = done.contracts - done.left_open
    counts.rows_read += done.contracts + len(done.parked)
    counts.taken += done.taken
    counts.already_there += settled - done.taken
    counts.refuse("not_notified_yet", done.left_open)
    counts.refuse("line_not_usable", len(done.parked))
    for found in done.contradictions:
        if found.taken_as != _NOWHERE:
            counts.note(f"contract_{found.taken_as}", f"{found.contract_id}: {found.what}")
    for parked in done.parked:
        counts.note("ledger_line_not_usable", f"{path.name} line {parked.line}: {parked.reason}")
    return known


def _take_technicians(job: Job, connection: sa.Connection, path: Path, counts: Counts) -> None:
    document = read_json(path)
    if not isinstance(document, dict):
        raise InvalidInput(f"{path.name} must hold an object of change id and status")
    added = import_technicians(connection, path, by=job.by) // 2
    counts.rows_read += len(document)
    counts.taken += added
    counts.already_there += len(document) - added


def _claims_of_tasks(job: Job, counts: Counts) -> dict[str, bool]:
    """Contract id → whether the old task table calls a message about it sent, or may have been sending it."""
    found = job.section("messages")
    if found is None or not {"metadata", "state"} <= found[1].columns.keys():
        return {}
    table, section = found
    states: dict[str, set[str]] = defaultdict(set)
    for row in job.source.rows(table):
        fields = section.fields(row)
        document = values.document(fields["metadata"])
        contract = values.text(values.first_of(document, _CONTRACT)) if isinstance(document, dict) else None
        if contract is None:
            counts.rows_read += 1
            counts.refuse("no_contract")
            continue
        words = ("sent_words", "waiting_words", "failed_words")
        states[contract].add(next((one for one in words if section.says(one, fields["state"])), "under_way"))
    for contract, said in states.items():
        if {"sent_words", "waiting_words"} <= said:
            counts.note("task_completed_and_pending", contract)
    return {contract: bool(said & {"sent_words", "under_way"}) for contract, said in states.items()}


WORK = Work("messages", ("messages",), whole=take)
