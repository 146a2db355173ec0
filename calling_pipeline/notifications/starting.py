"""A run over ledgers that a door starts and does not wait for: it goes on when the page that asked is closed.

What it would do is looked at first. It is the run of the command line, in a thread of its own, and stays only as long as
something is due: what a rate holds back is sent by the next delivery. A process that is asked to end waits for it; one that
is killed leaves what every killed delivery leaves: messages that wait, and at most those in flight as `unknown`.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from calling_pipeline import days
from calling_pipeline.errors import CallingError, Conflict, NotFound
from calling_pipeline.notifications.contracts import runs
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.previewing import Preview, preview
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outboxes import OUTBOXES

_log = logging.getLogger(__name__)
_guard = threading.Lock()
_under_way: dict[str, threading.Thread] = {}
"""Database → the run that this process does on it."""


@dataclass(frozen=True)
class Prospect:
    """What a run would do now: each ledger's preview, sentences about files that cannot be read, and what waits already."""

    ledgers: tuple[Preview, ...]
    unreadable: tuple[str, ...]
    waiting: int
    due: bool

    @property
    def messages(self) -> int:
        """Messages that would be made."""
        return sum(len(one.messages) for one in self.ledgers)

    @property
    def by_receiver(self) -> Mapping[str, int]:
        """Receiver → messages that would be made, the most first."""
        return dict(Counter(message.receiver for one in self.ledgers for message in one.messages).most_common())

    @property
    def parked(self) -> int:
        """Lines that no message can be made of."""
        return sum(len(one.parked) for one in self.ledgers)

    @property
    def withdrawn(self) -> int:
        """Waiting messages that a `Y` by hand would stop."""
        return sum(len(one.withdrawn) for one in self.ledgers)

    @property
    def held_by_rate(self) -> int:
        """Messages that a robot's rate would hold back for later minutes."""
        return sum(sum(one.held_by_rate.values()) for one in self.ledgers)


def known_ledger(deps: NotificationDependencies, configured: Sequence[Path], wanted: str) -> Path:
    """The configured or once read ledger of this path or name: a caller reads no other file of the server.

    Raises `NotFound` when there is none, or when two have the name.
    """
    fitting = [path for path in runs.known_ledgers(deps, configured) if wanted in (str(path), path.name)]
    if len(fitting) != 1:
        raise NotFound(f"there {'are several ledgers' if fitting else 'is no ledger'} {wanted!r}; name one by its path")
    return fitting[0]


def ledgers_of(deps: NotificationDependencies, configured: Sequence[Path], wanted: str | None) -> list[Path]:
    """The ledger that is wanted, or all of them. Raises `NotFound` without one."""
    if wanted:
        return [known_ledger(deps, configured, wanted)]
    known = runs.known_ledgers(deps, configured)
    if not known:
        raise NotFound("no contract ledger is named; set CALLING_CONTRACT_LEDGERS")
    return known


def prospect(deps: NotificationDependencies, ledgers: Sequence[Path]) -> Prospect:
    """Look at what a run would do. Writes and sends nothing."""
    seen, unreadable = [], []
    for path in ledgers:
        try:
            with deps.transaction() as connection:
                seen.append(preview(connection, path, deps.plan, Names(deps.robots, deps.users), rate=deps.rate))
        except CallingError as error:
            unreadable.append(str(error) if str(path) in str(error) else f"{path.name}: {error}")
    with deps.transaction() as connection:
        outbox = OUTBOXES["contracts"]
        due = outbox.next_due(connection)
        waiting = outbox.open_counts(connection).get("pending", 0)
    return Prospect(tuple(seen), tuple(unreadable), waiting, due is not None and due <= days.now())


def start(deps: NotificationDependencies, ledgers: Sequence[Path], *, by: str, expect: int) -> str:
    """Begin a run that makes `expect` messages; returns the task id under which the task ledger keeps it.

    Raises `Conflict` when another number would be made now, or when this process does a run already.
    """
    would = prospect(deps, ledgers).messages
    if would != expect:
        raise Conflict(f"a run would make {would} messages now, not {expect}; look at the preview again")
    database = deps.engine.url.render_as_string()
    with _guard:
        before = _under_way.get(database)
        if before is not None and before.is_alive():
            raise Conflict(f"the run {before.name} is still under way; wait until it is done")
        begun = runs.begin(deps, ledgers, created_by=by)
        context = contextvars.copy_context()  # the door goes with it into the audit log
        thread = threading.Thread(target=context.run, args=(_run, deps, ledgers, by, begun), name=f"notify:{begun.run_id}")
        _under_way[database] = thread
        thread.start()
    return thread.name


def _run(deps: NotificationDependencies, ledgers: Sequence[Path], by: str, begun: runs.Run) -> None:
    try:
        runs.run(deps, ledgers, created_by=by, wait_s=0, begun=begun)
    except Exception:  # a thread has nobody above it; the task ledger says that the run failed
        _log.exception("the run notify:%s failed", begun.run_id)
