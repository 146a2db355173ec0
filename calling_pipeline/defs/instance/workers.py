"""Whether the process of a run still lives.

From before its first step to its end, the process that executes a run holds the session lock `run worker, RUN_ID` in
Dagster's database, which all centres share, and the run's tag `calling/worker` says which process of which host that is.
PostgreSQL frees the lock when the process ends, wherever it ran; one that is lost with its connection is taken again within
seconds.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import psycopg
import sqlalchemy as sa
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import DagsterEvent
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.executor.in_process import InProcessExecutor
from sqlalchemy.engine import URL

from calling_pipeline import measures, tracing
from calling_pipeline.at_most_once.orphans import SessionLock, is_held
from calling_pipeline.database.engine import business_url
from calling_pipeline.runtime import Runtime

WORKER_TAG = "calling/worker"
LOCK = "run worker"
HEARTBEAT_S = 5.0
_PLACE = "dagster"
_LOG = logging.getLogger(__name__)

Verdict = Literal["alive", "gone", "silent", "not registered"]
"""`silent`: a run of another host whose lock is free now. That alone proves nothing: its connection may have been lost."""


@dataclass(frozen=True)
class Worker:
    """The process that executes a run: the run's id, where, and which process there (its number and its start).

    The last word of its text says where the lock is: runs of a version before, whose lock was elsewhere, are not judged.
    """

    run_id: str
    host: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.run_id} {self.host} {self.pid} {self.started} {_PLACE}"


def this_worker(run_id: str) -> Worker:
    """This process, as the executor of the run."""
    return Worker(run_id, this_host(), os.getpid(), _start_of(os.getpid()) or "unknown")


def worker_of(run: dg.DagsterRun) -> Worker | None:
    """What the run's tag says; None without one, and for that of another run: Dagster copies tags to a retry."""
    parts = run.tags.get(WORKER_TAG, "").split(" ")
    if len(parts) != 5 or parts[0] != run.run_id or parts[4] != _PLACE or not parts[2].isdecimal():
        return None
    return Worker(parts[0], parts[1], int(parts[2]), parts[3])


def judge(worker: Worker | None, *, lock_is_held: bool) -> Verdict:
    """What is known of a run's process. `gone` is certain: its lock is free, and this very host has no such process."""
    if worker is None:
        return "not registered"
    if lock_is_held:
        return "alive"
    if worker.host != this_host():
        return "silent"
    return "alive" if runs_here(worker) else "gone"


def verdict_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Verdict:
    """What is known of the run's process now. Raises `sqlalchemy.exc.OperationalError`: then nothing is known."""
    worker = worker_of(run)
    if worker is None or _place_of(instance) is None:
        return "not registered"
    storage: Any = instance.run_storage
    with storage.connect() as connection:
        return judge(worker, lock_is_held=is_held(connection, LOCK, run.run_id))


def runs_here(worker: Worker) -> bool:
    """Whether this host has that very process now."""
    return _start_of(worker.pid) == worker.started


@cache
def this_host() -> str:
    """This host since its last start; a container counts as a host of its own, for it sees its own processes only."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    processes = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    return f"{socket.gethostname()}/{boot}/{processes}".replace(" ", "_")


def in_process_executor(runtime: Runtime) -> dg.ExecutorDefinition:
    """Dagster's own in-process executor, in a process that can be seen to live."""

    plain = dg.in_process_executor

    def create(context: dg.InitExecutorContext) -> _Registered:
        made = plain.executor_creation_fn(context) if plain.executor_creation_fn else None
        assert isinstance(made, InProcessExecutor)
        return _Registered(made, runtime)

    schema: Any = plain.config_schema
    return dg.ExecutorDefinition(plain.name, schema, executor_creation_fn=create)


class _Registered(InProcessExecutor):
    """Executes as `plain` does, registered as the run's worker."""

    def __init__(self, plain: InProcessExecutor, runtime: Runtime) -> None:
        super().__init__(plain.retries, plain.step_dependency_config, plain.marker_to_close)
        self._runtime, self._is_distant = runtime, runtime.settings.executor != "in_process"

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        failures = []
        self._runtime.require_schema()
        run = plan_context.dagster_run
        with (
            self._noting(),
            registered(plan_context.instance, plan_context.run_id, obeys=self._is_distant),
            tracing.span("run", parent=run.tags.get(tracing.TAG), job=run.job_name, run=run.run_id),
        ):
            for event in super().execute(plan_context, execution_plan):
                if event.is_step_failure:
                    failures.append(sentence_of(event))
                yield event
                retries = event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY
                if retries and _is_ending(plan_context.instance, plan_context.run_id):
                    raise DagsterExecutionInterruptedError
        for sentence in failures:  # again, after the stack traces: who reads a run's log begins at its end
            plan_context.log.error(sentence)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Write and send at the end what was noted for `/metrics` and traces: the process ends without a farewell."""
        try:
            yield
        finally:
            measures.write()
            tracing.send()


def _is_ending(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run is to be canceled: an interrupt in the middle of a read looks like a failure that may pass."""
    run = instance.get_run_by_id(run_id)
    return run is not None and run.status in (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)


def sentence_of(event: DagsterEvent) -> str:
    """Which step failed and why, in one line: what the step itself said, else the name of the error."""
    data = event.step_failure_data
    said = data.user_failure_data.description if data.user_failure_data else None
    raised = data.error.message.strip().split("\n")[0] if data.error else "no reason is known"
    return f"{event.step_key}: {said or raised}"


@contextmanager
def registered(instance: dg.DagsterInstance, run_id: str, *, obeys: bool = False) -> Iterator[None]:
    """Hold the run's lock within the block, and tag the run with this process once the lock is held.

    With `obeys` the process interrupts itself when the run is to be canceled: no launcher can reach it. Without a database
    the run goes on: it is not registered, so nobody ends it either.
    """
    place = _place_of(instance)
    if place is None:
        yield
        return
    ends = partial(_is_ending, instance, run_id) if obeys else None
    heart = Heart(SessionLock(place, LOCK, run_id), ends)
    heart.start()
    try:
        if heart.wait_for_first_beat():
            instance.add_run_tags(run_id, {WORKER_TAG: str(this_worker(run_id))})
        yield
    finally:
        heart.stop()


def _place_of(instance: dg.DagsterInstance) -> URL | None:
    """The database that holds the locks of this instance's runs; None when it keeps its runs elsewhere than in PostgreSQL.

    Dagster's classes are not imported for that: they bring Alembic along.
    """
    url = getattr(instance.run_storage, "postgres_url", None)
    return business_url(url) if url else None


class Heart(threading.Thread):
    """Holds a session lock in a thread of its own, and takes it again when its connection was lost."""

    def __init__(self, lock: SessionLock, ends: Callable[[], bool] | None = None) -> None:
        super().__init__(name=LOCK, daemon=True)
        self._lock, self._ends = lock, ends
        self._tried = threading.Event()
        self._ended = threading.Event()
        self._held_at_first = False

    def wait_for_first_beat(self) -> bool:
        """Whether the lock was taken at the first attempt."""
        self._tried.wait()
        return self._held_at_first

    def stop(self) -> None:
        """Release the lock."""
        self._ended.set()
        self.join(HEARTBEAT_S)

    def run(self) -> None:
        try:
            self._held_at_first = self._beat()
        finally:
            self._tried.set()
        while not self._ended.wait(HEARTBEAT_S):
            self._beat()
            self._obey()
        with suppress(psycopg.Error):
            self._lock.free()

    def _obey(self) -> None:
        """Interrupt the process once, as a launcher beside it would: it awaits what is in flight, and notes the outcomes."""
        with suppress(sa.exc.SQLAlchemyError):  # asked again at the next beat
            if self._ends is not None and self._ends():
                self._ends = None
                os.kill(os.getpid(), signal.SIGTERM)

    def _beat(self) -> bool:
        try:
            return self._lock.holds() or self._lock.take()
        except psycopg.Error as error:
            _LOG.warning("the lock of this run cannot be held: %s", str(error).splitlines()[0])
            return False


def _start_of(pid: int) -> str | None:
    """When the process was started, in clock ticks since the host's own start; None when there is none, or it has ended.

    The number names the process even when its pid is used again, and no change of the clock moves it.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" else started
