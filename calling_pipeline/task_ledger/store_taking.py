"""Tasks that another ledger kept, taken over as they were: at their own times, and charged then, not today."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from calling_pipeline.database.sql import load
from calling_pipeline.task_ledger.naming import without_erased
from calling_pipeline.task_ledger.records import State

_TAKE = load("task_ledger/take")
_CHARGE = load("task_ledger/take_charges")
TAKEN_OVER = "taken_over"
"""Key of the details that says where a task was taken over from."""


@dataclass(frozen=True)
class OldTask:
    """One task. `source`: the ledger that kept it."""

    task_id: str
    feature: str
    state: State
    credits: int
    at: dt.datetime
    source: str
    details: Mapping[str, Any] = field(default_factory=dict)


def take_tasks(connection: sa.Connection, tasks: Sequence[OldTask], *, by: str) -> dict[str, State]:
    """Take tasks with different ids; returns those that changed something.

    A task that is known stays as it is, but one that was itself taken over moves on as a save would move it. A completed one
    is charged its credits at its own time, once. Numbers of erased people in the details are masked.
    """
    kept = [without_erased(connection, task.details) for task in tasks]
    columns = {
        "ids": [task.task_id for task in tasks],
        "features": [task.feature for task in tasks],
        "states": [task.state for task in tasks],
        "credits": [task.credits for task in tasks],
        "at": [task.at for task in tasks],
        "details": [
            json.dumps({**one, TAKEN_OVER: task.source}, ensure_ascii=False) for one, task in zip(kept, tasks, strict=True)
        ],
    }
    taken = {row.task_id: row.state for row in connection.execute(_TAKE, {**columns, "by": by})}
    connection.execute(_CHARGE, {"ids": list(taken), "by": by})
    return taken
