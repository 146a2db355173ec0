"""How `up` stops: what starts runs first, then the runs, then the vendors they use, and the database last."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.dagster_storage.records import RunUnderWay
from calling_pipeline.analysis.dagster_storage.store import runs_under_way
from calling_pipeline.cli.machine.leftovers import ASKED_S, FIRST, LOADING_S, ending_runs
from calling_pipeline.cli.machine.processes import MARK, carries
from calling_pipeline.cli.supervisor import Interrupts, Supervisor
from calling_pipeline.database.engine import make_engine
from calling_pipeline.errors import CallingError

RUNS_S = 60.0
"""How long runs may take to end by themselves; those that may last for hours are asked to end at once."""
_STARTING_S = 30.0
"""How long a run that has no process yet counts as under way."""
_POLL_S = 0.1
Say = Callable[[str], None]


def stop_in_order(
    supervisor: Supervisor, dagster_url: sa.URL, environment: Mapping[str, str], interrupts: Interrupts, say: Say
) -> None:
    """Stop everything that the supervisor started, runs of Dagster included. A second interrupt ends what is waited for."""
    before = interrupts.count
    say("stopping; no new run begins …")
    supervisor.stop(*FIRST, hurried=lambda: interrupts.count > before)
    let_runs_end(dagster_url, environment, interrupts, say)
    before = interrupts.count
    supervisor.stop(hurried=lambda: interrupts.count > before)


def let_runs_end(
    dagster_url: sa.URL,
    environment: Mapping[str, str],
    interrupts: Interrupts,
    say: Say,
    *,
    worker: subprocess.Popen[bytes] | None = None,
) -> None:
    """Wait for the runs whose process carries the mark of `environment`; batches, and who takes too long, are asked to end.

    With a `worker` of Celery, until that has ended: what no process executes yet is not its own then, others take it. A
    second interrupt from now on asks all of them, a third leaves them alone.
    """
    engine = make_engine(dagster_url, pool_size=1, max_overflow=0)
    try:
        _Waiting(engine, environment, interrupts, say, worker).wait()
    finally:
        engine.dispose()


class _Waiting:
    """Waits for the runs of this `up`."""

    def __init__(
        self,
        engine: sa.Engine,
        environment: Mapping[str, str],
        interrupts: Interrupts,
        say: Say,
        worker: subprocess.Popen[bytes] | None,
    ) -> None:
        self._engine, self._environment, self._say, self._worker = engine, environment, say, worker
        self._interrupts, self._before = interrupts, interrupts.count
        self._asked: dict[str, float] = {}
        self._helpers: list[subprocess.Popen[bytes]] = []
        self._said = ""

    def wait(self) -> None:
        """Until none is left, or those that were asked to end have had their time."""
        deadline = time.monotonic() + RUNS_S
        while (runs := self._under_way()) or self._works(deadline):
            hurried = self._interrupts.count - self._before
            late = hurried > 0 or time.monotonic() > deadline
            self._ask([run for run in runs if (late or run.may_last) and run.run_id not in self._asked])
            if hurried > 1 or (runs and self._had_their_time(runs)):
                self._say(f"{_named(runs)}: not ended, and killed now; the next start says what became of it")
                return
            self._announce(runs, deadline)
            time.sleep(_POLL_S)

    def _works(self, deadline: float) -> bool:
        """Whether there is a worker that has not ended yet, and may still take its time."""
        return self._worker is not None and self._worker.poll() is None and time.monotonic() < deadline + ASKED_S

    def _had_their_time(self, runs: Sequence[RunUnderWay]) -> bool:
        waited = min(time.monotonic() - self._asked.get(run.run_id, time.monotonic()) for run in runs)
        working = any(helper.poll() is None for helper in self._helpers)
        return waited > (ASKED_S + LOADING_S if working else ASKED_S)

    def _announce(self, runs: Sequence[RunUnderWay], deadline: float) -> None:
        named = _named(runs)
        if named == self._said:
            return
        self._said = named
        waiting = [run for run in runs if run.run_id not in self._asked]
        if waiting:
            left = max(0, deadline - time.monotonic())
            self._say(f"waiting for {_named(waiting)}, at most {left:.0f} s; Ctrl-C again ends it now")

    def _ask(self, runs: Sequence[RunUnderWay]) -> None:
        if not runs:
            return
        self._say(f"ending {_named(runs)}: what is in flight is awaited, at most {ASKED_S:.0f} s …")
        self._asked |= {run.run_id: time.monotonic() for run in runs}
        command = ending_runs([run.run_id for run in runs], within_s=ASKED_S)
        quiet = subprocess.DEVNULL
        self._helpers.append(
            subprocess.Popen(
                command, env=dict(self._environment), stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
            )
        )

    def _under_way(self) -> list[RunUnderWay]:
        """The runs that a process of this `up` executes, or is about to; none when nobody can say."""
        try:
            runs = runs_under_way(self._engine)
        except (CallingError, sa.exc.SQLAlchemyError):
            return []
        mark, now = self._environment[MARK], days.now()
        ours = () if self._worker else runs
        starting = (run for run in ours if run.pid is None and (now - run.since).total_seconds() < _STARTING_S)
        return [*(run for run in runs if run.pid is not None and carries(run.pid, mark)), *starting]


def _named(runs: Sequence[RunUnderWay]) -> str:
    """Runs in words."""
    named = [f"{run.job} ({run.run_id[:8]}, since {run.since.astimezone(days.SHANGHAI):%H:%M:%S})" for run in runs[:3]]
    more = [f"{len(runs) - 3} more"] if len(runs) > 3 else []
    return f"{'the run' if len(runs) == 1 else f'{len(runs)} runs:'} {', '.join([*named, *more])}"
