"""Results as the documents every door answers with: numbers masked, by the source's own key."""

from __future__ import annotations

import datetime as dt
from typing import Any

from typing_extensions import TypedDict

from calling_pipeline import days
from calling_pipeline.call_batches.calls.results.records import BatchResults, Result
from calling_pipeline.masking import mask_phone

COLUMNS = ("row_key", "source_row", "phone", "result", "order_yuan", "talk_s", "pushed_at", "called_at", "agent_id",
           "hangup_reason", "province", "call_id", "batch_id", "record_id", "judged_at")  # fmt: skip
"""Of a file, in this order."""


class ResultDocument(TypedDict):
    """What became of one pushed call; the numbers of its call record are null while it is `waiting`."""

    call_id: int
    batch_id: int
    row_key: str | None
    source_row: int
    phone: str
    pushed_at: dt.datetime
    result: Result
    called_at: dt.datetime | None
    talk_s: int | None
    order_yuan: int | None
    agent_id: str | None
    hangup_reason: str | None
    province: str | None
    record_id: int | None
    judged_at: dt.datetime | None


class ResultsDocument(TypedDict):
    """The results of a batch added up; `waiting_s` is the age of the oldest waiting call in seconds, `difference` 0."""

    pushed: int
    connected: int
    not_connected: int
    not_dialled: int
    waiting: int
    order_9: int
    order_1: int
    talk_s: int
    oldest_waiting_at: dt.datetime | None
    joined_at: dt.datetime | None
    waiting_s: int | None
    difference: int


def result_document(row: Any) -> ResultDocument:
    """What became of one pushed call."""
    return {
        "call_id": row.id,
        "batch_id": row.batch_id,
        "row_key": row.row_key,
        "source_row": row.source_row,
        "phone": mask_phone(row.phone),
        "pushed_at": row.pushed_at,
        "result": row.result,
        "called_at": row.called_at,
        "talk_s": row.talk_s,
        "order_yuan": row.order_yuan,
        "agent_id": row.agent_id,
        "hangup_reason": row.hangup_reason,
        "province": row.province,
        "record_id": row.record_id,
        "judged_at": row.judged_at,
    }


def results_document(results: BatchResults) -> ResultsDocument:
    """The results of a batch with the age of the oldest waiting call."""
    oldest = results.oldest_waiting_at
    return {
        "pushed": results.pushed,
        "connected": results.connected,
        "not_connected": results.not_connected,
        "not_dialled": results.not_dialled,
        "waiting": results.waiting,
        "order_9": results.order_9,
        "order_1": results.order_1,
        "talk_s": results.talk_s,
        "oldest_waiting_at": oldest,
        "joined_at": results.joined_at,
        "waiting_s": None if oldest is None else round((days.now() - oldest).total_seconds()),
        "difference": results.difference,
    }


def results_lines(document: ResultsDocument) -> list[str]:
    """The results of a batch for people; nothing where nothing was pushed."""
    if not document["pushed"]:
        return []
    oldest, joined = document["oldest_waiting_at"], document["joined_at"]
    since = f", the oldest since {oldest:%Y-%m-%d %H:%M}" if oldest else ""
    when = f"joined with call records at {joined:%Y-%m-%d %H:%M}" if joined else "not joined with call records yet"
    lines = [f"results of {document['pushed']:,} pushed calls, {when}"]
    lines += [
        f"{document['connected']:>9,} connected, {document['talk_s'] / 60:,.0f} minutes of talk; among them"
        f" {document['order_9']:,} orders of 9 yuan, {document['order_1']:,} of 1 yuan",
        f"{document['not_connected']:>9,} not connected",
        f"{document['not_dialled']:>9,} not dialled",
        f"{document['waiting']:>9,} waiting for a call record{since}",
        f"{document['difference']:>9,} unaccounted for",
    ]
    return lines
