"""Delivers what is due of contracts and technicians alike; the only module that knows both."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.notifications.contracts import runs
from calling_pipeline.notifications.contracts import store as contracts
from calling_pipeline.notifications.outbox.rounds import Means
from calling_pipeline.notifications.outbox.store import Outbox
from calling_pipeline.notifications.records import DispatchReport
from calling_pipeline.notifications.technicians import changes
from calling_pipeline.notifications.technicians import store as technicians
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails

OUTBOXES: dict[str, Outbox] = {"contracts": contracts.OUTBOX, "technicians": technicians.OUTBOX}


@dataclass
class Dispatch:
    """What one dispatch did for contracts and for technicians."""

    contracts: runs.Run
    technicians: DispatchReport = field(default_factory=DispatchReport)

    @property
    def attempted(self) -> int:
        """Messages tried."""
        return self.contracts.delivery.attempted + self.technicians.attempted


def dispatch(means: Means, ledgers: Sequence[Path], *, by: str, wait_s: float) -> Dispatch:
    """Deliver in turns, write the ledgers back after each, and stay for what is due within `wait_s` seconds."""
    done = Dispatch(runs.Run(uuid.uuid4().hex[:12]))
    deadline = time.monotonic() + wait_s
    while True:
        runs.deliver(means, ledgers, done.contracts, wait_s=0)
        done.technicians.add(changes.deliver(means))
        due = [at for at in (done.contracts.delivery.next_due_at, done.technicians.next_due_at) if at is not None]
        pause = max(1.0, (min(due) - days.now()).total_seconds()) if due else 0.0
        if not due or time.monotonic() + pause >= deadline:
            break
        time.sleep(pause)
    _record(means, done, by)
    return done


def work_waiting(connection: sa.Connection) -> str | None:
    """Why a dispatch is needed now, None when there is nothing to do."""
    now = days.now()
    for name, outbox in OUTBOXES.items():
        due = outbox.next_due(connection)
        if due is not None and due <= now:
            return f"messages of {name} are due"
        if outbox.abandoned_by_the_dead(connection):
            return f"a dispatch of {name} ended before it could say what became of its messages"
        if outbox.untold(connection):
            return f"messages of {name} are held and nobody was told"
    return None


def _record(means: Means, done: Dispatch, by: str) -> None:
    """A dispatch that did nothing leaves no entry in the task ledger."""
    if not done.attempted:
        return
    contracts_, technicians_ = done.contracts.delivery, done.technicians
    failed = done.contracts.failed or technicians_.unknown or technicians_.dead
    details = {
        "contracts": vars(contracts_).copy(),
        "technicians": vars(technicians_).copy(),
        "errors": done.contracts.errors,
    }
    for counts in (details["contracts"], details["technicians"]):
        assert isinstance(counts, dict)
        counts.pop("next_due_at")
    with means.transaction() as connection:
        save_task_details(
            connection,
            TaskDetails(
                f"notify:{done.contracts.run_id}",
                runs.FEATURE,
                "failed" if failed else "completed",
                details=details,
                by=by,
            ),
        )
