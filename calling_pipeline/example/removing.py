"""Takes the example world out of every room, by the rooms' own functions. What happened stays: history is append-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.people import people
from calling_pipeline.access.people import store as people_store
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.contact_policy import do_not_call, holidays
from calling_pipeline.contact_policy import store as policy_store
from calling_pipeline.errors import Conflict
from calling_pipeline.example import contracts, keeping, store
from calling_pipeline.example.names import APP_ID, BY, CONTACT, HOLIDAY, PEOPLE, ROBOT, SOURCE, TASK, TENANT, ledger_of
from calling_pipeline.example.seeding import dependencies
from calling_pipeline.notifications.contracts import runs
from calling_pipeline.notifications.contracts.contradictions import LedgerWatch, heed_ledgers
from calling_pipeline.notifications.contracts.ledger_files import key_of
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.outbox import decisions
from calling_pipeline.notifications.outbox.records import HELD, Selection
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.desk.cases import cases
from calling_pipeline.telephony.desk.cases import store as case_store
from calling_pipeline.telephony.desk.cases.records import CaseFilter
from calling_pipeline.telephony.tenants import collectors, configurations
from calling_pipeline.telephony.tenants import store as tenant_store

_ALL = 10_000
_WHY = "the example world is removed"


@dataclass(frozen=True)
class Removed:
    """What went, and what is kept, each as one line for people."""

    gone: Sequence[str]
    kept: Sequence[str]


def remove(runtime: Runtime, *, by: str) -> Removed:
    """Remove the example world; the next `up` does not make it again.

    Raises `Conflict` while a call of the example is under way; nothing is removed then.
    """
    gone: list[str] = []
    kept: list[str] = []
    with runtime.transaction() as connection:
        _telephony(connection, runtime, by, gone, kept)
        _task(connection, by, gone, kept)
        _policy(connection, by, gone)
        _people(connection, by, gone, kept)
        if store.drop_schema(connection):
            gone.append("the schema example with its work orders")
    _contracts(runtime, by, gone, kept)
    keeping.keep_state(runtime.settings, "removed")
    return Removed(gone, kept)


def _telephony(connection: sa.Connection, runtime: Runtime, by: str, gone: list[str], kept: list[str]) -> None:
    config = tenant_store.config_of_tenant(connection, TENANT)
    if config is None or config.app_id != APP_ID:
        return
    for case in case_store.page(connection, CaseFilter(TENANT, state="open"), limit=_ALL)[0]:
        cases.conclude(connection, case, result="other", remark=_WHY, done=True, next_call_at=None, who=by)
    configurations.delete(connection, runtime.secrets, config.id, reason=_WHY, who=by)
    found, total = collectors.page(connection, tenant_id=TENANT, active=None, limit=_ALL, offset=0)
    for one in found:
        collectors.delete(connection, TENANT, one.id, who=by)
    gone.append(f"the Infinity configuration of tenant {TENANT}, its extensions and {total} collectors")
    kept.append(f"calls and cases of tenant {TENANT}: what was done stays on record; the cases are closed")


def _task(connection: sa.Connection, by: str, gone: list[str], kept: list[str]) -> None:
    if not any(task.name == TASK for task in task_store.all_tasks(connection)):
        return
    open_states = ("planned", "running", "waiting", "paused")
    batches = batch_store.latest_batches(connection, task=TASK, limit=_ALL)
    for batch in batches:
        if batch.state in open_states:
            lifecycle.cancel(connection, batch.id, by=by, reason=_WHY)
    try:
        editing.remove(connection, TASK, by=by)
        gone.append(f"the calling task {TASK}")
    except Conflict:
        editing.edit(connection, TASK, {"enabled": False}, by=by)
        kept.append(f"the calling task {TASK}, switched off: its {len(batches)} batches stay explained by it")


def _policy(connection: sa.Connection, by: str, gone: list[str]) -> None:
    entries = policy_store.blocked(connection, days.now(), source=SOURCE, limit=_ALL)
    ended = sum(do_not_call.remove(connection, one.phone, source=SOURCE, by=by, reason=_WHY) for one in entries)
    ours = [day for day, name in policy_store.all_holidays(connection) if name.startswith(HOLIDAY)]
    for day in ours:
        holidays.withdraw(connection, day, by=by, reason=_WHY)
    if ended or ours:
        gone.append(f"{ended} do-not-call entries of {SOURCE} and {len(ours)} holidays")


def _people(connection: sa.Connection, by: str, gone: list[str], kept: list[str]) -> None:
    found = [person for one in PEOPLE if (person := people_store.by_name(connection, one.name)) is not None]
    active = [person.name for person in found if person.active]
    for name in active:
        people.change(connection, name, {"active": False}, by=by, reason=_WHY)
    if active:
        gone.append(f"the ways in of {', '.join(active)}: they are disabled and logged out")
    if found:
        kept.append("these people's names, which the audit log refers to; and the audit log itself")


def _contracts(runtime: Runtime, by: str, gone: list[str], kept: list[str]) -> None:
    """Say `Y` on every contract, by which what waits is withdrawn and no line is wrong any more."""
    path = ledger_of(runtime.settings)
    if not path.exists():
        return
    with runtime.transaction() as connection:
        known = rows.contracts(connection, csv_file=key_of(path), limit=_ALL)
    ids = [str(one["contract_id"]) for one in known]
    path.write_bytes(contracts.notified(one for one in ids if one.startswith(contracts.PREFIX)))
    deps = dependencies(runtime)
    runs.generate_only(deps, [path], created_by=by or BY, day=days.today())
    withdrawn = heed_ledgers(deps, LedgerWatch())
    given_up = _give_up_held(runtime, by)
    if given_up:
        gone.append(f"{given_up} messages that were held or dead letters: they are given up")
    gone.append(f"{withdrawn} waiting messages about contracts of {path.name}; the next `up` deletes the file")
    kept.append("messages that were sent or given up: they stay in the outbox with their history")


def _give_up_held(runtime: Runtime, by: str) -> int:
    """Settle what nobody will decide about any more, so that no alert about it stays open; how many messages."""
    outbox = OUTBOXES["contracts"]
    ids: list[int] = []
    with runtime.transaction() as connection:
        for receiver in (f"robot:{ROBOT}", f"user:{CONTACT}"):
            chosen = outbox.chosen(connection, Selection(states=HELD, receiver=receiver), lock=True)
            ids += [message_id for message_id, _ in chosen]
        if ids:
            decisions.settle(connection, outbox, Selection(tuple(ids)), as_="abandoned", by=by, why=_WHY)
    return len(ids)
