"""What is alerted about the best time to call: that it switched itself off, until a person decided what follows."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.call_batches.calling_tasks.records import CallingTask
from calling_pipeline.call_batches.records import ROOM


def switched_itself_off(connection: sa.Connection, task: CallingTask, reason: str) -> None:
    """The order was not shown to be better; nobody asked for that change, so people see it."""
    condition = Condition(
        name=f"best_time_off:{task.id}",
        failing=True,
        severity="warning",
        title=f"the best time of calling task {task.name} needs no decision",
        text=f"it switched itself off: {reason}",
        room=ROOM,
        event=conditions.moment(),
        subject=f"calling task {task.id}",
        day=days.today(),
        signature=reason,
    )
    conditions.observe(connection, condition)


def decided(connection: sa.Connection, task: CallingTask) -> None:
    """A person saved the calling task, with the best time or without it."""
    said = "stays off" if task.best_time is None else "is on"
    conditions.resolve(connection, f"best_time_off:{task.id}", f"a person decided: it {said}")


def deleted(connection: sa.Connection, task: CallingTask) -> None:
    """There is nothing left to decide."""
    conditions.resolve(connection, f"best_time_off:{task.id}", "the calling task was deleted")
