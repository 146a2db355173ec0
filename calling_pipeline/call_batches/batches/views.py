"""Batches and cards as the documents every door answers with: numbers masked, reasons in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from typing_extensions import TypedDict

from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.records import Batch, Card, Outcome, Reconciliation, reconciliation
from calling_pipeline.call_batches.calling_tasks.redials.rules import text_of
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.records import UnknownCall
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_batches.calls.results.records import BatchResults
from calling_pipeline.call_batches.calls.results.views import ResultsDocument, results_document, results_lines
from calling_pipeline.call_batches.records import REASONS, BatchState, CallState
from calling_pipeline.masking import mask_phone


class RedialLine(TypedDict):
    """Numbers that a redial rule lets through: the rule by its result and in words."""

    result: str
    said: str
    rows: int


class LeftOutLine(TypedDict):
    """Rows that are not called for one reason, with samples, numbers masked."""

    reason: str
    said: str
    rows: int
    samples: list[str]


class CardDocument(TypedDict):
    """The pre-flight card: source rows = to call + every line left out. `redials` are some of those to call."""

    source_rows: int
    to_call: int
    redials: list[RedialLine]
    left_out: list[LeftOutLine]


class BatchLine(TypedDict):
    """One batch in a list; `redial` are its redial rules as a person writes them."""

    batch_id: int
    task: str
    day: dt.date
    tick_at: dt.datetime | None
    state: BatchState
    note: str
    source_rows: int
    to_call: int
    planned_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    resume_at: dt.datetime | None
    expires_at: dt.datetime | None
    redial: list[str]


class UnknownCallDocument(TypedDict):
    """A call whose outcome is unknown, its number masked."""

    call_id: int
    phone: str
    distinct_id: str
    claimed_at: dt.datetime
    message: str


class BatchDocument(BatchLine):
    """Everything of one batch; `outcome` counts its rows by state."""

    card: CardDocument
    outcome: dict[CallState, int]
    reconciliation: Reconciliation
    results: ResultsDocument
    unknown_calls: list[UnknownCallDocument]


def card_document(card: Card) -> CardDocument:
    """The card with its reasons in words."""
    lines: list[LeftOutLine] = [
        {"reason": line.reason, "said": line.said, "rows": line.rows, "samples": list(line.samples)}
        for line in card.left_out
    ]
    redials: list[RedialLine] = [{"result": line.result, "said": line.said, "rows": line.rows} for line in card.redials]
    return {"source_rows": card.source_rows, "to_call": card.to_call, "redials": redials, "left_out": lines}


def card_lines(card: Card) -> list[str]:
    """The card for people: source rows = to call + every reason."""
    lines = [f"{card.source_rows:>9,} source rows", f"{card.to_call:>9,} to call"]
    lines += [f"{line.rows:>9,} of them redials: {line.said}" for line in card.redials]
    for line in card.left_out:
        samples = f"   e.g. {', '.join(line.samples)}" if any(line.samples) else ""
        lines.append(f"{line.rows:>9,} not called: {line.said}{samples}")
    return lines


def said(reason: str) -> str:
    """A reason for people; one that is not of the list as it is."""
    return REASONS.get(reason, reason)


def batch_line(batch: Batch) -> BatchLine:
    """One batch in a list."""
    return {
        "batch_id": batch.id,
        "task": batch.task_name,
        "day": batch.day,
        "tick_at": batch.tick_at,
        "state": batch.state,
        "note": batch.note,
        "source_rows": batch.card.source_rows,
        "to_call": batch.card.to_call,
        "planned_at": batch.planned_at,
        "started_at": batch.started_at,
        "finished_at": batch.finished_at,
        "resume_at": batch.resume_at,
        "expires_at": batch.expires_at,
        "redial": [text_of(rule) for rule in batch.redial],
    }


def batch_document(connection: sa.Connection, batch_id: int, *, unknown: int = 20) -> BatchDocument:
    """Everything of one batch: its card, the calls by state, the card reconciled, and calls whose outcome is unknown."""
    batch = batch_store.batch(connection, batch_id)
    calls = call_store.unknown_calls(connection, batch_id=batch_id, limit=unknown)
    results = result_store.of_batches(connection, [batch_id]).get(batch_id)
    return document_of(batch, batch_store.outcome(connection, batch_id), calls, results)


def document_of(
    batch: Batch, outcome: Outcome, unknown_calls: Iterable[UnknownCall] = (), results: BatchResults | None = None
) -> BatchDocument:
    """The document of a batch whose outcome has been read; `results` is None when it was never joined."""
    known = (results or result_store.NEVER_JOINED).as_of(outcome.states.get("pushed", 0), batch.started_at)
    return {
        **batch_line(batch),
        "card": card_document(batch.card),
        "outcome": dict(outcome.states),
        "reconciliation": reconciliation(batch, outcome),
        "results": results_document(known),
        "unknown_calls": [unknown_document(call) for call in unknown_calls],
    }


def unknown_document(call: UnknownCall) -> UnknownCallDocument:
    """One call whose outcome is unknown, number masked."""
    return {
        "call_id": call.id,
        "phone": mask_phone(call.phone),
        "distinct_id": call.distinct_id,
        "claimed_at": call.claimed_at,
        "message": call.message,
    }


def batch_lines(document: BatchDocument) -> list[str]:
    """A batch document for people."""
    note = f" ({document['note']})" if document["note"] else ""
    later = f", goes on at {document['resume_at']:%Y-%m-%d %H:%M}" if document["resume_at"] else ""
    lines = [f"batch {document['batch_id']} of {document['task']}: {document['state']}{note}{later}"]
    if document["expires_at"]:
        lines.append(f"calls nobody from {document['expires_at']:%Y-%m-%d %H:%M} on")
    if document["redial"]:
        lines.append(f"redial rules: {'; '.join(document['redial'])}")
    reconciled = document["reconciliation"]
    lines.append(f"{reconciled['source_rows']:>9,} source rows")
    lines += [f"{line['rows']:>9,} planned as redials: {line['said']}" for line in document["card"]["redials"]]
    lines += [f"{count:>9,} {state}" for state, count in sorted(reconciled["calls"].items())]
    lines += [f"{rows:>9,} not called: {said(reason)}" for reason, rows in reconciled["left_out"].items()]
    lines.append(f"{reconciled['difference']:>9,} unaccounted for")
    lines += results_lines(document["results"])
    for call in document["unknown_calls"]:
        lines.append(f"  unknown: call {call['call_id']} {call['phone']} {call['distinct_id']} {call['message']}")
    return lines
