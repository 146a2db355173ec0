"""Delivers what is due of contracts and technicians alike: with `outboxes`, the only module that knows both."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.notifications.contracts import runs
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.records import DeliveryReport
from calling_pipeline.notifications.outbox.rounds import deliver_round
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails


@dataclass
class Dispatch:
    """What one dispatch did for contracts and for technicians."""

    contracts: runs.Run
    technicians: DeliveryReport = field(default_factory=DeliveryReport)

    @property
    def attempted(self) -> int:
        """Messages attempted."""
        return self.contracts.delivery.attempted + self.technicians.attempted

    @property
    def failed(self) -> bool:
        """Whether a person has to look at it."""
        return bool(self.contracts.failed or self.technicians.unknown or self.technicians.dead)


def dispatch(deps: NotificationDependencies, ledgers: Sequence[Path], *, by: str, wait_s: float) -> Dispatch:
    """Deliver in rounds, write the ledgers back after each, and wait for what is due within `wait_s` seconds."""
    done = Dispatch(runs.Run(uuid.uuid4().hex[:12]))
    deadline = time.monotonic() + wait_s
    while True:
        runs.deliver(deps, ledgers, done.contracts, wait_s=0)
        done.technicians.add(deliver_round(deps, OUTBOXES["technicians"]))
        due = [at for at in (done.contracts.delivery.next_due_at, done.technicians.next_due_at) if at is not None]
        pause_s = max(1.0, (min(due) - days.now()).total_seconds()) if due else 0.0
        if not due or time.monotonic() + pause_s >= deadline:
            break
        time.sleep(pause_s)
    _record(deps, done, by)
    return done


def work_waiting(connection: sa.Connection, *, shadow: bool = False) -> str | None:
    """Why a dispatch is needed now; None when there is nothing to do, and in shadow mode."""
    if shadow:
        return None
    now = days.now()
    for name, outbox in OUTBOXES.items():
        due = outbox.next_due(connection)
        if due is not None and due <= now:
            return f"messages of {name} are due"
        if outbox.orphaned_owners(connection):
            return f"a dispatch of {name} ended before it recorded the results of its messages"
        if outbox.unannounced(connection):
            return f"messages of {name} are held and no alert has named them"
    return None


def _record(deps: NotificationDependencies, done: Dispatch, by: str) -> None:
    """A dispatch that did nothing leaves no entry in the task ledger."""
    if not done.attempted and not done.contracts.withdrawn:
        return
    details = {
        "contracts": _counts(done.contracts.delivery),
        "technicians": _counts(done.technicians),
        "withdrawn": done.contracts.withdrawn,
        "errors": done.contracts.errors,
    }
    state = runs.state_of(failed=done.failed)
    task = TaskDetails(f"notify:{done.contracts.run_id}", runs.FEATURE, state, details=details, by=by)
    with deps.transaction() as connection:
        save_task_details(connection, task)


def _counts(report: DeliveryReport) -> dict[str, Any]:
    counts = asdict(report)
    counts.pop("next_due_at")
    return counts
