"""One notification run: generate, deliver, write back, round after round, recorded in the task ledger."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calling_pipeline import days
from calling_pipeline.errors import CallingError
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.generation import Generated, generate
from calling_pipeline.notifications.contracts.write_back import write_back
from calling_pipeline.notifications.outbox.rounds import Means, deliver_round
from calling_pipeline.notifications.records import DispatchReport
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import State, TaskDetails

FEATURE = "notifications"
_PAUSE_S = 1.0
Progress = Callable[[DispatchReport], None]


@dataclass
class Run:
    """What a run did. `unreadable` and `unwritten` say why of files that could not be used; the others went on."""

    run_id: str
    generated: list[Generated] = field(default_factory=list)
    delivery: DispatchReport = field(default_factory=DispatchReport)
    written_back: int = 0
    unreadable: list[str] = field(default_factory=list)
    unwritten: dict[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> list[str]:
        """One sentence a file that could not be read or written."""
        return [*self.unreadable, *self.unwritten.values()]

    @property
    def failed(self) -> bool:
        """Whether a person has to look at it."""
        return bool(self.errors or self.delivery.unknown or self.delivery.dead)


def run(
    means: Means,
    ledgers: Sequence[Path],
    *,
    created_by: str,
    day: dt.date | None = None,
    wait_s: float = 600.0,
    progress: Progress | None = None,
) -> Run:
    """Generate the messages of these ledgers, deliver, and write back after every round, until nothing is pending or
    `wait_s` is over; the rest is the next dispatch's."""
    done = Run(uuid.uuid4().hex[:12])
    _record(means, done, "pending", created_by)
    try:
        usable = generate_all(means, ledgers, done, created_by=created_by, day=day)
        deliver(means, usable, done, wait_s=wait_s, progress=progress)
    except BaseException:
        _record(means, done, "failed", created_by)
        raise
    _record(means, done, "failed" if done.failed else "completed", created_by)
    return done


def generate_only(means: Means, ledgers: Sequence[Path], *, created_by: str, day: dt.date) -> Run:
    """Generate the messages of the rows first seen on `day`; whoever dispatches next delivers them."""
    done = Run(uuid.uuid4().hex[:12])
    _record(means, done, "pending", created_by)
    generate_all(means, ledgers, done, created_by=created_by, day=day)
    _record(means, done, "failed" if done.failed else "completed", created_by)
    return done


def known_ledgers(means: Means, configured: Sequence[Path]) -> list[Path]:
    """The configured ledgers, and those read before that are still there."""
    with means.transaction() as connection:
        read_before = [Path(name) for name in store.ledgers(connection)]
    chosen = {path.expanduser().resolve() for path in configured}
    return [*configured, *(path for path in read_before if path not in chosen and path.exists())]


def generate_all(
    means: Means, ledgers: Sequence[Path], done: Run, *, created_by: str, day: dt.date | None = None
) -> list[Path]:
    """Generate the messages of every ledger, each in its own transaction; returns those that could be used."""
    usable = []
    for path in ledgers:
        try:
            with means.transaction() as connection:
                names = Names(means.robots, means.users)
                done.generated.append(generate(connection, path, means.plan, names, created_by=created_by, day=day))
        except CallingError as error:
            said = str(error)
            done.unreadable.append(said if str(path) in said else f"{path}: {said}")
        else:
            usable.append(path)
    return usable


def deliver(means: Means, ledgers: Sequence[Path], done: Run, *, wait_s: float, progress: Progress | None = None) -> None:
    """Deliver what is pending and write the ledgers back after every round that delivered something."""
    deadline = time.monotonic() + wait_s
    owed = True
    while True:
        report = deliver_round(means, store.OUTBOX)
        done.delivery.add(report)
        if progress is not None:
            progress(done.delivery)
        if owed or report.delivered:
            owed = not _write_back_all(means, ledgers, done)
        if report.next_due_at is None or time.monotonic() >= deadline:
            return
        until_due = (report.next_due_at - days.now()).total_seconds()
        time.sleep(max(0.0, min(max(_PAUSE_S, until_due), deadline - time.monotonic())))


def _write_back_all(means: Means, ledgers: Sequence[Path], done: Run) -> bool:
    """Write every ledger back; False when one could not be."""
    for path in ledgers:
        try:
            with means.transaction() as connection:
                done.written_back += write_back(connection, path).set_yes
            done.unwritten.pop(str(path), None)
        except CallingError as error:
            done.unwritten[str(path)] = str(error)
    return not done.unwritten


def _record(means: Means, done: Run, state: State, by: str) -> None:
    details = {
        "ledgers": [generated.csv_file for generated in done.generated],
        "messages": sum(generated.messages for generated in done.generated),
        "delivered": done.delivery.delivered,
        "unknown": done.delivery.unknown,
        "dead": done.delivery.dead,
        "errors": done.errors,
    }
    with means.transaction() as connection:
        save_task_details(connection, TaskDetails(f"notify:{done.run_id}", FEATURE, state, details=details, by=by))
