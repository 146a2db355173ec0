"""Keeps a person's decision about a held day: in its row and in the task ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.call_stats.held import store
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails


def close(
    connection: sa.Connection,
    held_id: int,
    decision: Literal["published", "discarded"],
    *,
    by: str,
    why: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Close an open held day in the caller's transaction; `before` and `after` are the published numbers."""
    store.close(connection, held_id, decision, by=by, why=why, before=before, now=days.now())
    held = store.find(connection, held_id)
    assert held is not None
    details = {
        "decision": decision,
        "track": held.track,
        "day": held.date.isoformat(),
        "why": why,
        "rules": [reason["rule"] for reason in held.reasons],
        "numbers_before": before,
        "numbers_after": after,
    }
    act = "held_day.publish" if decision == "published" else "held_day.discard"
    subject = f"held_day:{held_id}"
    was = {"track": held.track, "day": held.date.isoformat(), "rules": details["rules"], "numbers": before}
    note_act(connection, act, subject, by=by, reason=why, before=was, after={"numbers": after})
    save_task_details(connection, TaskDetails(f"held_day:{held_id}", "stats_held", "completed", details=details, by=by))
