"""Results as the documents every door answers with: numbers masked, by the source's own key."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from calling_pipeline import days
from calling_pipeline.call_batches.results.records import BatchResults
from calling_pipeline.masking import mask_phone

COLUMNS = ("row_key", "source_row", "phone", "result", "order_yuan", "talk_s", "pushed_at", "called_at", "agent_id",
           "hangup_reason", "province", "call_id", "batch_id", "record_id", "judged_at")  # fmt: skip
"""Of a file, in this order."""


def result_document(row: Any) -> dict[str, Any]:
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


def results_document(results: BatchResults) -> dict[str, Any]:
    """The results of a batch added up; `waiting_s` is the age of the oldest waiting call in seconds."""
    oldest = results.oldest_waiting_at
    return {
        **asdict(results),
        "waiting_s": None if oldest is None else round((days.now() - oldest).total_seconds()),
        "difference": results.difference,
    }


def results_lines(document: dict[str, Any]) -> list[str]:
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
