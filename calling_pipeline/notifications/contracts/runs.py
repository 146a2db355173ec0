"""One notification run: generate, deliver, write back, round after round, recorded in the task ledger."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.errors import CallingError
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.contradictions import LedgerWatch, heed_ledgers
from calling_pipeline.notifications.contracts.generation import Generated, generate
from calling_pipeline.notifications.contracts.ledger_files import key_of
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.contracts.write_back import write_back
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.records import DeliveryReport
from calling_pipeline.notifications.outbox.rounds import deliver_round
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import State, TaskDetails

FEATURE = "notifications"
_PAUSE_S = 1.0
Progress = Callable[[DeliveryReport], None]


@dataclass
class Run:
    """What a run did. `unreadable` and `unwritten` say why files could not be used; the others went on.

    `withdrawn`: messages that were not sent because their row says `Y` by hand.
    """

    run_id: str
    generated: list[Generated] = field(default_factory=list)
    delivery: DeliveryReport = field(default_factory=DeliveryReport)
    written_back: int = 0
    withdrawn: int = 0
    watch: LedgerWatch = field(default_factory=LedgerWatch, repr=False)
    unreadable: list[str] = field(default_factory=list)
    unwritten: dict[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> list[str]:
        """One sentence per file that could not be read or written."""
        return [*self.unreadable, *self.unwritten.values()]

    @property
    def without_receiver(self) -> int:
        """Lines that wait for a setting: nobody is configured to receive their messages."""
        return sum(generated.without_receiver for generated in self.generated)

    @property
    def failed(self) -> bool:
        """Whether a person has to look at it."""
        return bool(self.errors or self.without_receiver or self.delivery.unknown or self.delivery.dead)


def run(
    deps: NotificationDependencies,
    ledgers: Sequence[Path],
    *,
    created_by: str,
    day: dt.date | None = None,
    wait_s: float = 600.0,
    progress: Progress | None = None,
    begun: Run | None = None,
) -> Run:
    """Generate the messages of these ledgers, deliver, and write back after every round.

    It ends when nothing is pending or `wait_s` is over; the next dispatch delivers the rest. `begun`: what `begin` gave.
    Raises `DatabaseUnavailable` when the database stays away; what is wrong with a file is in the result.
    """
    done = begun or begin(deps, ledgers, created_by=created_by)
    try:
        usable = generate_all(deps, ledgers, done, created_by=created_by, day=day)
        deliver(deps, usable, done, wait_s=wait_s, progress=progress)
    except BaseException:
        _end(deps, done, "failed", created_by)
        raise
    _end(deps, done, state_of(failed=done.failed), created_by)
    return done


def begin(deps: NotificationDependencies, ledgers: Sequence[Path], *, created_by: str) -> Run:
    """Record that a person ordered a run; `run` does it. `notify:` and its id is its task in the task ledger."""
    begun = Run(uuid.uuid4().hex[:12])
    with deps.transaction() as connection:
        _save(connection, begun, "pending", created_by)
        named = {"ledgers": [path.name for path in ledgers]}
        note_act(connection, "notify.run", f"notify:{begun.run_id}", by=created_by, after=named)
    return begun


def generate_only(deps: NotificationDependencies, ledgers: Sequence[Path], *, created_by: str, day: dt.date) -> Run:
    """Generate the messages of the rows first seen on `day`; the next dispatch delivers them."""
    done = Run(uuid.uuid4().hex[:12])
    _record(deps, done, "pending", created_by)
    generate_all(deps, ledgers, done, created_by=created_by, day=day)
    _record(deps, done, state_of(failed=done.failed), created_by)
    return done


def state_of(*, failed: bool) -> State:
    """The state of an ended run in the task ledger."""
    return "failed" if failed else "completed"


def known_ledgers(deps: NotificationDependencies, configured: Sequence[Path]) -> list[Path]:
    """The configured ledgers, and those read before that are still there."""
    with deps.transaction() as connection:
        read_before = [Path(name) for name in rows.ledgers(connection)]
    chosen = {key_of(path) for path in configured}
    return [*configured, *(path for path in read_before if str(path) not in chosen and path.exists())]


def generate_all(
    deps: NotificationDependencies, ledgers: Sequence[Path], done: Run, *, created_by: str, day: dt.date | None = None
) -> list[Path]:
    """Generate the messages of every ledger, each in its own transaction; returns those that could be used.

    In shadow mode none is made: the old system sends them, and what waited would go out a second time afterwards.
    """
    if deps.shadow:
        return list(ledgers)
    usable = []
    for path in ledgers:
        try:
            with deps.transaction() as connection:
                names = Names(deps.robots, deps.users)
                done.generated.append(generate(connection, path, deps.plan, names, created_by=created_by, day=day))
        except CallingError as error:
            reason = str(error)
            done.unreadable.append(reason if str(path) in reason else f"{path}: {reason}")
        else:
            usable.append(path)
    return usable


def deliver(
    deps: NotificationDependencies, ledgers: Sequence[Path], done: Run, *, wait_s: float, progress: Progress | None = None
) -> None:
    """Deliver what is pending and write the ledgers back after every round that delivered something.

    Before each round what a `Y` by hand stops is withdrawn.
    """
    deadline = time.monotonic() + wait_s
    to_write = True
    while True:
        done.withdrawn += heed_ledgers(deps, done.watch)
        report = deliver_round(deps, store.OUTBOX)
        done.delivery.add(report)
        if progress is not None:
            progress(done.delivery)
        if to_write or report.delivered:
            to_write = not _write_back_all(deps, ledgers, done)
        if report.next_due_at is None or time.monotonic() >= deadline:
            return
        until_due = (report.next_due_at - days.now()).total_seconds()
        time.sleep(max(0.0, min(max(_PAUSE_S, until_due), deadline - time.monotonic())))


def _write_back_all(deps: NotificationDependencies, ledgers: Sequence[Path], done: Run) -> bool:
    """Write every ledger back; False when one could not be."""
    for path in ledgers:
        try:
            with deps.transaction() as connection:
                done.written_back += write_back(connection, path).set_yes
            done.unwritten.pop(str(path), None)
        except CallingError as error:
            done.unwritten[str(path)] = str(error)
    return not done.unwritten


def _record(deps: NotificationDependencies, done: Run, state: State, by: str) -> None:
    with deps.transaction() as connection:
        _save(connection, done, state, by)


def _end(deps: NotificationDependencies, done: Run, state: State, by: str) -> None:
    """Record what a run that a person ordered did."""
    with deps.transaction() as connection:
        _save(connection, done, state, by)
        counts = {**_counts(done), "written_back": done.written_back, "files_not_used": len(done.errors), "state": state}
        note_act(connection, "notify.end", f"notify:{done.run_id}", by=by, after=counts)


def _save(connection: sa.Connection, done: Run, state: State, by: str) -> None:
    details = {
        "ledgers": [generated.csv_file for generated in done.generated],
        **_counts(done),
        "written_back": done.written_back,
        "parked": sum(len(generated.parked) for generated in done.generated),
        "errors": done.errors,
    }
    save_task_details(connection, TaskDetails(f"notify:{done.run_id}", FEATURE, state, details=details, by=by))


def _counts(done: Run) -> dict[str, int]:
    return {
        "messages": sum(generated.messages for generated in done.generated),
        "delivered": done.delivery.delivered,
        "unknown": done.delivery.unknown,
        "dead": done.delivery.dead,
        "withdrawn": done.withdrawn,
        "without_receiver": done.without_receiver,
    }
