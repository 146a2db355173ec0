"""Every table that holds something of a person who is called: how their rows are found, and what erasure makes of them.

Rows stay where counts, caps and judgements need them: the number becomes its token, by which they still belong together, and
what was written about the person is emptied. A test names every other column, with why it holds nothing personal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.calls.results.tables import call_results
from calling_pipeline.call_batches.calls.tables import call_log, call_tasks, gateway_refusals
from calling_pipeline.call_batches.history.tables import call_history
from calling_pipeline.call_stats.tables import call_records, held_call_records
from calling_pipeline.contact_policy.tables import contact_attempts, do_not_call, do_not_call_history
from calling_pipeline.notifications.contracts.tables import contract_messages
from calling_pipeline.notifications.technicians.tables import technician_messages
from calling_pipeline.persons.records import Person
from calling_pipeline.persons.spellings import pattern_of
from calling_pipeline.task_ledger.tables import task_ledger
from calling_pipeline.telephony.billing.tables import infinity_bills
from calling_pipeline.telephony.calls.kept_callbacks.tables import kept_callbacks
from calling_pipeline.telephony.calls.tables import call_callbacks, communication_records
from calling_pipeline.telephony.desk.cases.tables import collector_cases
from calling_pipeline.telephony.desk.tables import desk_calls
from calling_pipeline.telephony.reviews.notes.tables import call_notes

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True)
class Place:
    """One table. `what` says in a few words what it holds of a person.

    `texts`: columns in which the number is masked where it stands, and all else stays.
    """

    table: sa.Table
    what: str
    of: Callable[[Person], Condition]
    becomes: Callable[[Person], Mapping[str, Any]] = lambda person: {}
    name: str = ""
    texts: Sequence[str] = ()

    @property
    def label(self) -> str:
        """The table's name, with what tells two places of it apart."""
        return self.name or self.table.name


def _by_phone(table: sa.Table) -> Callable[[Person], Condition]:
    return lambda person: table.c.phone == person.phone


def _named_in(table: sa.Table, what: str, *columns: str) -> Place:
    """Texts and documents in which somebody wrote the number."""
    cells = [table.c[name] for name in columns]

    def of(person: Person) -> Condition:
        return sa.or_(*(sa.cast(cell, sa.Text).op("~")(pattern_of(person.digits)) for cell in cells))

    return Place(table, what, of, name=f"{table.name}, texts", texts=columns)


def _hidden_spelling(person: Person) -> Condition:
    digits = sa.func.regexp_replace(call_tasks.c.raw, "[^0-9]", "", "g")
    return sa.and_(call_tasks.c.phone.is_(None), call_tasks.c.raw.is_not(None), sa.func.strpos(digits, person.digits) > 0)


def _records(table: sa.Table, what: str) -> Place:
    return Place(table, what, lambda one: table.c.phone_hash.in_(one.digests),
                 lambda one: {"phone_masked": "", "phone_hash": one.token_digest})  # fmt: skip


_NUMBER = {"destination_masked": ""}
PLACES: Sequence[Place] = (
    Place(call_tasks, "rows of call batches", _by_phone(call_tasks),
          lambda one: {"phone": one.token, "raw": None, "row_key": None}),
    Place(call_tasks, "rows that name the number among others", _hidden_spelling,
          lambda one: {"raw": None, "row_key": None}, name="call_tasks, odd spellings"),
    Place(call_log, "attempts to call", _by_phone(call_log), lambda one: {"phone": one.token, "message": ""}),
    Place(call_history, "that they were called, when and how often", _by_phone(call_history),
          lambda one: {"phone": one.token}),
    Place(gateway_refusals, "that the gateway refused the number", _by_phone(gateway_refusals),
          lambda one: {"phone": one.token}),
    Place(call_results, "what became of calls", _by_phone(call_results), lambda one: {"phone": one.token}),
    Place(contact_attempts, "attempts that the contact policy counts", _by_phone(contact_attempts),
          lambda one: {"phone": one.token,
                       "reference": sa.func.replace(contact_attempts.c.reference, one.phone, one.token)}),
    Place(do_not_call, "entries of the do-not-call list", _by_phone(do_not_call),
          lambda one: {"phone": one.token, "note": "", "ended_why": ""}),
    Place(do_not_call_history, "earlier entries of the do-not-call list", _by_phone(do_not_call_history),
          lambda one: {"phone": one.token, "note": "", "ended_why": ""}),
    _records(call_records, "call records"),
    _records(held_call_records, "call records of held days"),
    Place(collector_cases, "cases of collectors", lambda one: collector_cases.c.phone_hash.in_(one.digests),
          lambda one: {"customer_name": "", "phone_sealed": b"", "phone_masked": "", "phone_hash": one.token_digest,
                       "note": "", "remark": "", "state": "done",
                       "done_at": sa.func.coalesce(collector_cases.c.done_at, days.now())}),
    Place(desk_calls, "calls from the desk", lambda one: desk_calls.c.case_id.in_(one.cases),
          lambda one: {"remark": "", "sentence": ""}),
    Place(communication_records, "calls of telephony", lambda one: communication_records.c.destination_hash.in_(one.digests),
          lambda one: {**_NUMBER, "destination_hash": one.token_digest, "case_id": "", "customer_id": "", "remark": None,
                       "failure": None, "recording_file": None, "recording_url": None}),
    Place(call_callbacks, "Infinity's reports of calls", lambda one: call_callbacks.c.record_id.in_(one.records),
          lambda one: {"remark": "", "recording_url": None}),
    Place(kept_callbacks, "reports that cannot be read",
          lambda one: sa.or_(kept_callbacks.c.call_uuid.in_(one.uuids), kept_callbacks.c.id.in_(one.kept)),
          lambda one: {"body_sealed": None, "sentence": "", "outcome": "erased",
                       "closed_at": sa.func.coalesce(kept_callbacks.c.closed_at, days.now())}),
    Place(infinity_bills, "lines of Infinity's bill", lambda one: infinity_bills.c.destination_hash.in_(one.digests),
          lambda one: {**_NUMBER, "destination_hash": one.token_digest, "recording_file": None}),
    Place(call_notes, "reviewers' remarks on calls", lambda one: call_notes.c.record_id.in_(one.records),
          lambda one: {"remark": ""}),
    _named_in(do_not_call, "notes of the do-not-call list", "note", "ended_why"),
    _named_in(do_not_call_history, "earlier notes of the do-not-call list", "note", "ended_why"),
    _named_in(collector_cases, "notes about other cases", "note", "remark", "customer_name"),
    _named_in(desk_calls, "remarks on other calls", "remark", "sentence"),
    _named_in(communication_records, "remarks on other calls", "remark", "failure"),
    _named_in(call_callbacks, "remarks in reports of other calls", "remark"),
    _named_in(call_notes, "reviewers' remarks on other calls", "remark"),
    _named_in(contract_messages, "messages that name the number", "body", "metadata", "last_error", "history"),
    _named_in(technician_messages, "messages that name the number", "body", "metadata", "last_error", "history"),
    _named_in(task_ledger, "details of tasks that name the number", "details"),
)  # fmt: skip
"""In the order in which they are changed: an entry of the do-not-call list leaves what it was in its history first."""
SEALED = frozenset({"phone_sealed", "body_sealed", "phone_hash", "destination_hash", "body_digest"})
"""Columns that are not given out: they say nothing without a key."""
