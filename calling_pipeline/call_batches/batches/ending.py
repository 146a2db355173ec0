"""How a batch is left: completed, waiting or paused, with its card reconciled, its alert and its line in the task ledger."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts.records import Alert
from calling_pipeline.alerts.store import record as record_alert
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.records import ROOM, Batch, BatchState
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails


@dataclass(frozen=True)
class Ending:
    """The state a runner leaves its batch in, and why."""

    state: BatchState
    note: str = ""
    resume_at: dt.datetime | None = None
    alert: bool = False


def leave(connection: sa.Connection, batch_id: int, runner: uuid.UUID, end: Ending, *, by: str) -> bool:
    """Leave the batch; False when it is no longer this runner's, or was paused or cancelled at the same moment."""
    moved = batch_store.move(
        connection,
        batch_id,
        end.state,
        come_from=("running",),
        now=days.now(),
        note=end.note,
        resume_at=end.resume_at,
        runner=runner,
    )
    if not moved:
        return False
    batch = batch_store.batch(connection, batch_id)
    if end.alert:
        said = f"batch {batch_id} of {batch.task_name} is {end.state}: {end.note}"
        key = f"call_batches:{batch_id}:{end.state}:{days.today()}"
        record_alert(connection, Alert(key, "error", f"Call batch {batch_id} does not go on", said, ROOM))
    if end.state == "completed":
        close(connection, batch, "completed", by=by)
    return True


def close(connection: sa.Connection, batch: Batch, state: BatchState, *, by: str) -> None:
    """Say in the task ledger, and by an alert when calls are unknown, how the batch ended."""
    outcome = batch_store.outcome(connection, batch.id)
    details = {**{f"calls_{name}": count for name, count in outcome.states.items()}, "ended": state}
    ledger_state: Any = "completed" if state == "completed" else "failed"
    save_task_details(connection, TaskDetails(f"batch:{batch.id}", ROOM, ledger_state, details=details, by=by or ROOM))
    alert_unknown(connection, batch.id, outcome.count("unknown"))


def orphans(connection: sa.Connection, batch_id: int, *, by: str) -> int:
    """Call unknown what a dead process left in `pushing`. Only for who holds the batch's lease."""
    found = call_store.orphans_to_unknown(connection, batch_id, now=days.now(), by=by)
    if found:
        alert_unknown(connection, batch_id, batch_store.outcome(connection, batch_id).count("unknown"))
    return found


def alert_unknown(connection: sa.Connection, batch_id: int, unknown: int) -> None:
    """One alert for every number of unknown calls a batch came to."""
    if not unknown:
        return
    text = (
        f"{unknown} calls of batch {batch_id} may or may not have been made. They are not repeated by themselves: ask the"
        " gateway, then settle them with `calling-pipeline calls settle`."
    )
    record_alert(
        connection,
        Alert(f"call_batches:{batch_id}:unknown:{unknown}", "warning", f"{unknown} calls with unknown fate", text, ROOM),
    )
