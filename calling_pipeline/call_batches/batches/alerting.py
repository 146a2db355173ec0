"""What is alerted about a batch: that it stopped before its end, and that calls of it have an unknown outcome."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.records import ROOM


def stopped(connection: sa.Connection, batch: Batch, reason: str) -> None:
    """The batch does not go on by itself, or only later."""
    condition = Condition(
        name=f"batch_stopped:{batch.id}",
        failing=True,
        severity="error",
        title=f"call batch {batch.id} runs to its end",
        text=reason,
        room=ROOM,
        event=conditions.moment(),
        subject=f"batch {batch.id}",
        day=batch.day,
        signature=reason,
    )
    conditions.observe(connection, condition)


def goes_on(connection: sa.Connection, batch: Batch) -> None:
    """The batch was resumed, or has ended."""
    said = f"batch {batch.id} of {batch.task_name} is {batch.state}"
    conditions.resolve(connection, f"batch_stopped:{batch.id}", said)
    if batch.state in ("completed", "cancelled"):
        conditions.resolve(connection, f"batch_answers:{batch.id}", said)


def answer_not_stored(connection: sa.Connection, call_id: int) -> None:
    """The gateway answered a call with what the database does not store; its outcome is kept where it could be."""
    batch = batch_store.batch_of_call(connection, call_id)
    condition = Condition(
        name=f"batch_answers:{batch.id}",
        failing=True,
        severity="warning",
        title=f"every answer to the calls of batch {batch.id} can be stored",
        text=f"The gateway's answer to call {call_id} of batch {batch.id} of {batch.task_name} holds what cannot be stored;"
        " its outcome is kept without the gateway's words.",
        room=ROOM,
        event=conditions.moment(),
        subject=f"batch {batch.id}",
        day=batch.day,
        signature="not stored",
    )
    conditions.observe(connection, condition)


def account_refusals(connection: sa.Connection, batch: Batch) -> None:
    """Alert that calls wait for a person because our account was refused for them, and when none is left."""
    refused, name = call_store.count_account_refusals(connection, batch.id), f"batch_refused:{batch.id}"
    if not refused:
        conditions.resolve(connection, name, f"no call of batch {batch.id} waits because our account was refused")
        return
    condition = Condition(
        name=name,
        failing=True,
        severity="warning",
        title=f"no call of batch {batch.id} was refused for our account",
        text=f"The gateway refused {refused} calls of batch {batch.id} of {batch.task_name} for our account, not for the"
        " number; nobody calls them until a person decides.",
        room=ROOM,
        event=conditions.moment(),
        subject=f"batch {batch.id}",
        day=batch.day,
        signature=str(refused),
    )
    conditions.observe(connection, condition)


def unknown_calls(connection: sa.Connection, batch: Batch) -> None:
    """Alert about each number of unknown calls that the batch comes to, and when none is left."""
    unknown, name = batch_store.outcome(connection, batch.id).count("unknown"), f"batch_unknown:{batch.id}"
    if not unknown:
        conditions.resolve(connection, name, f"the calls of batch {batch.id} with an unknown outcome are settled")
        return
    condition = Condition(
        name=name,
        failing=True,
        severity="warning",
        title=f"every call of batch {batch.id} has a known outcome",
        text=f"{unknown} calls of batch {batch.id} of {batch.task_name} may or may not have been made.",
        room=ROOM,
        event=conditions.moment(),
        subject=f"batch {batch.id}",
        day=batch.day,
        signature=str(unknown),
    )
    conditions.observe(connection, condition)
