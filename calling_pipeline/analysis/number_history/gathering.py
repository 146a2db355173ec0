"""Why a number was called or not: what every room knows of it, and all of it in the order of time.

Each room is asked by its own read functions; a room that the caller may not enter is left out. Nothing here holds a full
number, and none is kept or logged.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NotRequired, cast

import sqlalchemy as sa
from typing_extensions import TypedDict

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people.records import Room
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calls.archives.archiving import Archives
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_batches.calls.rows import store as row_store
from calling_pipeline.call_batches.calls.rows import views as row_views
from calling_pipeline.call_stats import store as stats_store
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy import store as policy_store
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt, Blocked
from calling_pipeline.errors import Forbidden
from calling_pipeline.masking import mask_digits, phone_hash
from calling_pipeline.phones import canonical_phone
from calling_pipeline.telephony.calls import store as line_store

MOST = 200
"""Rows read of each room, the newest."""
_MOST_POLICIES = 12
Document = dict[str, Any]
_RECORD_STATES = {0: "not_dialled", 1: "not_connected", 2: "connected"}


@dataclass(frozen=True)
class Sight:
    """What the person who asks may see: the rooms beside the batches, and of telephony one tenant's calls or all."""

    policy: bool = True
    telephony: bool = True
    statistics: bool = True
    tenant_id: int | None = None

    @classmethod
    def of(cls, caller: Caller) -> Sight:
        """What this caller may see."""
        return cls(_may(caller, "policy"), _may(caller, "telephony"), _may(caller, "statistics"), tenant_id=caller.tenant)


EVERYTHING = Sight()


def _may(caller: Caller, room: Room) -> bool:
    try:
        caller.require("viewer", room)
    except Forbidden:
        return False
    return True


@dataclass(frozen=True)
class _Event:
    """One thing that happened: when, in which room, what, in which words, and in which batch."""

    at: dt.datetime
    kind: str
    state: str
    text: str = ""
    batch_id: int | None = None
    more: Document = field(default_factory=dict)

    @property
    def document(self) -> EventDocument:
        named = {"at": self.at, "kind": self.kind, "state": self.state, "text": mask_digits(self.text),
                 "batch_id": self.batch_id}  # fmt: skip
        return cast(EventDocument, {**named, **self.more})


class EventDocument(TypedDict):
    """One thing that happened to a number; the keys after `batch_id` are those that its kind has.

    `kind` is `row`, `log`, `import` (the newest call made elsewhere), `refusal`, `contact`, `do_not_call`, `telephony`,
    `result` (the record of a pushed row, named by `call_id`) or `record` (any other).
    """

    at: dt.datetime
    kind: str
    state: str
    text: str
    batch_id: int | None
    task: NotRequired[str]
    call_id: NotRequired[int]
    record_id: NotRequired[int]
    attempt: NotRequired[int]
    result: NotRequired[str | None]
    by: NotRequired[str | None]
    day: NotRequired[dt.date]
    duration_s: NotRequired[int | None]
    order_yuan: NotRequired[int | None]


class PolicyDocument(TypedDict):
    """Whether the number may be called now by a policy, by which rule not, and when; and the calling tasks that have it."""

    preset: str
    tasks: list[str]
    allowed: bool
    rule: str | None
    reason: str
    not_before: dt.datetime | None


class NumberHistory(row_views.WhyDocument):
    """What every room knows of a number; what the caller may not see is left out.

    `policies`: may it be called now, by the policy of each enabled calling task, the same ones once, the first that of most
    `tasks`; without a task by the ordinary one. `policy` is the first of these. `do_not_call`: the sources whose entries
    stand on the list. `timeline`: the newest first.
    """

    policies: NotRequired[list[PolicyDocument]]
    policy: NotRequired[PolicyDocument]
    do_not_call: NotRequired[list[str]]
    timeline: list[EventDocument]


def number_history(
    connection: sa.Connection,
    phone_keys: Sequence[bytes],
    text: str,
    sight: Sight = EVERYTHING,
    *,
    most: int = MOST,
    archives: Archives | None = None,
) -> NumberHistory:
    """The history of the number that `text` spells, masked, with at most `most` events of each kind.

    Raises `InvalidInput` for what is no number.
    """
    document = cast(NumberHistory, {**row_views.why(connection, text, limit=most, archives=archives)})
    phone = canonical_phone(text)
    results = _results(connection, document)
    events = [*_of_batches(connection, phone, document, most), *_of_results(results)]
    if sight.policy:
        document["policies"] = _verdicts(connection, phone)
        document["policy"] = document["policies"][0]
        standing = policy_store.blocked(connection, days.now(), phone=phone, with_expired=True, limit=most)
        now = days.now()
        document["do_not_call"] = [entry.source for entry in standing if entry.expires_at is None or entry.expires_at > now]
        events += _of_policy(connection, phone, standing, most)
    for digest in (phone_hash(key, phone) for key in phone_keys):
        if sight.telephony:
            events += _of_telephony(connection, digest, sight.tenant_id, most)
        if sight.statistics:
            events += _of_records(connection, digest, most, {row.record_id for row in results})
    document["timeline"] = [event.document for event in sorted(events, key=lambda event: event.at, reverse=True)]
    return document


def _of_batches(connection: sa.Connection, phone: str, document: row_views.WhyDocument, most: int) -> Iterator[_Event]:
    for row in document["rows"]:
        at = row["claimed_at"] or row["planned_at"]
        more = {"task": row["task"], "call_id": row["call_id"], "result": row.get("result")}
        yield _Event(at, "row", row["state"], row["said"], row["batch_id"], more)
    for log in row_store.log_of(connection, phone, limit=most):
        text = " ".join(filter(None, (log.resp_code, log.message)))
        more = {"call_id": log.call_task_id, "attempt": log.attempt, "by": log.recorded_by}
        yield _Event(log.recorded_at, "log", log.outcome, text, log.batch_id, more)
    called, refused = document["called"], document["refused"]
    if called is not None and called["imported_called_at"] is not None:
        yield _Event(called["imported_called_at"], "import", "called", called["imported_from"] or "")
    if refused is not None:
        yield _Event(refused["refused_at"], "refusal", refused["about"], refused["code"], refused["batch_id"])


def _results(connection: sa.Connection, document: row_views.WhyDocument) -> list[Any]:
    """The results of its pushed calls, each put into its row of the document too: a push and its call are one history."""
    rows = {row["call_id"]: row for row in document["rows"] if row["state"] == "pushed"}
    found = result_store.of_calls(connection, list(rows))
    for call_id, row in rows.items():
        row["result"] = next((one.result for one in found if one.call_task_id == call_id), "waiting")
    return found


def _of_results(results: list[Any]) -> Iterator[_Event]:
    for one in results:
        if one.called_at is not None:
            more = {"call_id": one.call_task_id, "record_id": one.record_id, "duration_s": one.talk_s,
                    "order_yuan": one.order_yuan, "by": one.agent_id}  # fmt: skip
            text = " ".join(filter(None, (one.hangup_reason, one.province)))
            yield _Event(one.called_at, "result", one.result, text, one.batch_id, more)


def _verdicts(connection: sa.Connection, phone: str) -> list[PolicyDocument]:
    names: dict[str, list[str]] = {}
    for task in task_store.all_tasks(connection):
        if task.enabled:
            names.setdefault(json.dumps(task.policy, sort_keys=True), []).append(task.name)
    ordered = sorted(names.items(), key=lambda one: -len(one[1]))[:_MOST_POLICIES] or [("{}", [])]
    policies = [policy_from(json.loads(document)) for document, _ in ordered]
    verdicts = gate.check_under(connection, Attempt(phone, "policy", "check", days.now()), policies)
    return [
        {"preset": policy.name, "tasks": tasks, "allowed": verdict.allowed, "rule": verdict.rule, "reason": verdict.reason,
         "not_before": verdict.not_before}
        for (_, tasks), policy, verdict in zip(ordered, policies, verdicts, strict=True)
    ]  # fmt: skip


def _of_policy(connection: sa.Connection, phone: str, standing: list[Blocked], most: int) -> Iterator[_Event]:
    for at, room, _ in policy_store.attempts_of(connection, phone, limit=most):
        yield _Event(at, "contact", room)
    for entry in standing:
        yield _Event(
            entry.added_at, "do_not_call", "added", f"{entry.source} {entry.note}".strip(), more={"by": entry.added_by}
        )
        if entry.expires_at is not None and entry.expires_at <= days.now():
            yield _Event(entry.expires_at, "do_not_call", "ended", f"{entry.source} {entry.ended_why}".strip(),
                         more={"by": entry.ended_by})  # fmt: skip
    for entry in policy_store.history(connection, phone)[:most]:
        if entry.replaced_at is not None:
            yield _Event(entry.replaced_at, "do_not_call", "changed", f"{entry.source} {entry.note}".strip(),
                         more={"by": entry.added_by})  # fmt: skip


def _of_telephony(connection: sa.Connection, digest: bytes, tenant_id: int | None, most: int) -> Iterator[_Event]:
    for call in line_store.of_destination(connection, digest, tenant_id=tenant_id, limit=most):
        text = " ".join(filter(None, (call.contact_result, call.failure)))
        more = {"record_id": call.id, "duration_s": call.duration_s, "by": f"collector {call.collector_id}"}
        yield _Event(call.started_at, "telephony", call.state, text, more=more)


def _of_records(connection: sa.Connection, digest: bytes, most: int, results: Collection[int | None]) -> Iterator[_Event]:
    """The call records that are no result of a push: what the vendor dialled otherwise."""
    for record in stats_store.records_of_phone(connection, digest, limit=most):
        if record.id in results:
            continue
        more = {"day": record.date, "duration_s": record.duration_s, "order_yuan": record.order_yuan, "by": record.agent_id}
        text = " ".join(filter(None, (record.task_name, record.grade)))
        yield _Event(record.called_at, "record", _RECORD_STATES.get(record.call_state, "not_known"), text, more=more)
