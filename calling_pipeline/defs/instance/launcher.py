"""Starts runs as Dagster's default launcher does, and can tell Dagster's run monitoring which of them are dead.

The default launcher cannot: after a crash of the host its runs would stay STARTED without end, and "skip while the last run
is not done" would skip without end. Which proof is asked for is in `workers.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClassData

from calling_pipeline.at_most_once.orphans import is_held
from calling_pipeline.defs.instance.workers import LOCK, Verdict, judge, worker_of
from calling_pipeline.runtime import Runtime

SILENT_S = 120.0
"""How long the lock of a run of another host must have been free, at every look, before the run counts as dead: a worker
whose connection was lost takes its lock again within seconds."""
ENDED = "its process ended with its host, or was killed"


class RunLauncher(DefaultRunLauncher):
    """Dagster's default launcher with a health check of its runs."""

    clock: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._silent_since: dict[str, float] = {}

    @cached_property
    def _runtime(self) -> Runtime:
        return Runtime.load()

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """FAILED only for a process that is certainly gone, or silent on another host for `SILENT_S`; else RUNNING."""
        verdict = verdict_of(self._runtime, run)
        if verdict == "silent":
            since = self._silent_since.setdefault(run.run_id, self.clock())
            if self.clock() - since < SILENT_S:
                return CheckRunHealthResult(WorkerStatus.RUNNING)
        else:
            self._silent_since.pop(run.run_id, None)
        return CheckRunHealthResult(WorkerStatus.FAILED, ENDED) if verdict in ("gone", "silent") else _RUNNING

    def dispose(self) -> None:
        """Give the connections to the business database back."""
        super().dispose()
        if "_runtime" in self.__dict__:
            self._runtime.close()


_RUNNING = CheckRunHealthResult(WorkerStatus.RUNNING)


def verdict_of(runtime: Runtime, run: dg.DagsterRun) -> Verdict:
    """What is known of the run's process now. Raises `DatabaseUnavailable`: then nothing is known."""
    worker = worker_of(run)
    with runtime.transaction() as connection:
        return judge(worker, lock_is_held=is_held(connection, LOCK, run.run_id))
