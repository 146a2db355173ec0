"""What `up` does while everything runs: looks every second whether it does, repairs what it can, and says so."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from calling_pipeline.alerts.conditions import moment, observe, resolve
from calling_pipeline.alerts.records import Condition
from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.cli.machine.keeper import Keeper
from calling_pipeline.cli.supervisor import Change, Supervisor
from calling_pipeline.database import embedded
from calling_pipeline.errors import CallingError, Conflict
from calling_pipeline.masking import mask_digits
from calling_pipeline.runtime import Runtime

POLL_S = 1.0
WELL_AFTER_S = 300.0
"""A process that ran so long after it was started again is well; its alert is closed."""


class Watch:
    """Looks after the children, the embedded PostgreSQL, the keeper, and the lock that keeps a second `up` away."""

    def __init__(
        self, runtime: Runtime, supervisor: Supervisor, keeper: Keeper, alone: SessionLock, say: Callable[[str], None]
    ) -> None:
        self._runtime, self._supervisor, self._keeper, self._alone, self._say = runtime, supervisor, keeper, alone, say
        self._started_again: dict[str, float] = {}

    def go_on(self) -> None:
        """Watch until something raises: an interrupt, `ChildFailed`, or `DatabaseUnavailable` when the server stays away."""
        while True:
            self.look()
            time.sleep(POLL_S)

    def look(self) -> None:
        """Look once."""
        self.look_at_database()
        if self._keeper.ensure():
            self._say("the keeper, which ends everything if this process is killed, had ended and was started again")
        for change in self._supervisor.watch():
            self._report(change)
        self._close_alerts()

    def look_at_database(self) -> None:
        """Start the embedded server again if it is gone. Raises `DatabaseUnavailable` when it does not come back."""
        folder = self._runtime.settings.home / "postgres"
        if self._runtime.settings.database_url is None and not embedded.is_running(folder):
            self._say("the embedded PostgreSQL has ended; starting it again …")
            begun = time.monotonic()
            embedded.start(folder)
            self._say(f"the embedded PostgreSQL is there again after {time.monotonic() - begun:.1f} s")
        if not self._alone.holds():
            self._take_lock_again()

    def _take_lock_again(self) -> None:
        try:
            taken = self._alone.take()
        except psycopg.Error:
            return  # the server is away; the next look tries again
        if not taken:
            raise Conflict("another `calling-pipeline up` serves this database now, so this one ends")

    def _report(self, change: Change) -> None:
        if change.started:
            self._say(f"{change.name} was started again")
            self._started_again[change.name] = time.monotonic()
            return
        again = (
            f"it is started again in {change.again_in_s:.0f} s"
            if change.again_in_s is not None
            else "it is not started again; everything else goes on. End `up` and start it anew when that is repaired"
        )
        self._say(f"{change.name} ended with status {change.status}; {again}. Its log {change.log} closes with:")
        self._say("\n".join(f"    {line}" for line in change.words.splitlines()))
        self._started_again.pop(change.name, None)
        self._alert(change, again)

    def _alert(self, change: Change, again: str) -> None:
        text = mask_digits(
            f"It ended with status {change.status}; {again}. Its log {change.log} closes with: {change.words}"
        )
        condition = Condition(
            f"process:{change.name}",
            True,
            "error",
            f"the process {change.name} runs",
            text,
            "machine",
            moment(),
            subject=change.name,
            signature="given up" if change.again_in_s is None else "",
        )
        try:
            with self._runtime.transaction() as connection:
                observe(connection, condition)
        except (CallingError, SQLAlchemyError):
            pass  # it was said, and stands in the log; the database is what is missing

    def _close_alerts(self) -> None:
        now = time.monotonic()
        for name, since in list(self._started_again.items()):
            if now - since > WELL_AFTER_S and self._supervisor.running(name):
                del self._started_again[name]
                try:
                    with self._runtime.transaction() as connection:
                        resolve(connection, f"process:{name}", f"it has run for {WELL_AFTER_S / 60:.0f} minutes")
                except (CallingError, SQLAlchemyError):
                    self._started_again[name] = now
