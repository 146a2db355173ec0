"""The records of the task ledger. The allowed moves are `pending → completed | failed` and `failed → completed`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["pending", "completed", "failed"]
Outcome = Literal["created", "updated", "unchanged", "refused"]
Charge = Literal["none", "charged", "kept", "refused"]

STATES: tuple[State, ...] = ("pending", "completed", "failed")
MOVES: Mapping[State, frozenset[State]] = {
    "pending": frozenset({"pending", "completed", "failed"}),
    "failed": frozenset({"failed", "completed"}),
    "completed": frozenset({"completed"}),
}
"""State → states that a save may leave the task in. `completed` is final: saving it again changes nothing.

The function `save_task` in the database decides; a test compares it with this table for every pair of states."""


@dataclass(frozen=True)
class TaskDetails:
    """One save.

    `credits` and `free` left out keep their values; at the first save they mean 0, and free unless there are credits.
    `details` are merged key by key. `charge_key` names the act that is charged once, whichever task ids it is saved under;
    without it the task itself is charged. `by` says who saves; a `reason` is kept in the audit log with what changed.
    `account`: whose task it is, and who is charged; whoever saves it first when that save names none. It stays with it.
    """

    task_id: str | int
    feature: str
    state: State
    credits: int | None = None
    free: bool | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""
    charge_key: str | None = None
    reason: str = ""
    account: str | None = None


@dataclass(frozen=True)
class Saved:
    """What one save did.

    `charge`: `charged` by this save, `kept` (charged before, the same amount), `refused` (another amount, or the act was
    charged under another task), or `none`. `reason` explains what was refused.
    """

    outcome: Outcome
    task_id: str
    state: State
    credits: int
    charge: Charge
    reason: str | None = None


@dataclass(frozen=True)
class Task:
    """One row of the ledger."""

    task_id: str
    feature: str
    state: State
    credits: int
    free: bool
    charged: int | None
    details: Mapping[str, Any]
    created_at: dt.datetime
    created_by: str
    updated_at: dt.datetime
    updated_by: str
    finished_at: dt.datetime | None
    saves: int
    account: str


@dataclass(frozen=True)
class Account:
    """What the tasks of one account come to: how many in each state, and the credits that were charged for them."""

    account: str
    tasks: int
    pending: int
    completed: int
    failed: int
    charges: int
    credits: int
    last_charged_at: dt.datetime | None


@dataclass(frozen=True)
class Refusal:
    """One save, or the charge of one, that was refused."""

    task_id: str
    kind: Literal["transition", "charge"]
    from_state: State
    to_state: State
    credits: int
    reason: str
    refused_by: str
    refused_at: dt.datetime


@dataclass(frozen=True)
class Usage:
    """Tasks and credits of one feature on one day: created, completed and failed that day, and what was charged."""

    date: dt.date
    feature: str
    created: int
    completed: int
    failed: int
    pending: int
    charges: int
    credits: int
    refusals: int
