"""How launchers judge whether a run still lives; which proof is asked for is in `workers.py`."""

from __future__ import annotations

import time
from collections.abc import Callable

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.base import RunLauncher as AnyLauncher

from calling_pipeline.defs.instance.workers import verdict_of

SILENT_S = 120.0
"""How long the lock of a run of another host must have been free, at every look, before the run counts as dead: a worker
whose connection was lost takes its lock again within seconds."""
ENDED = "its process ended with its host, or was killed"


class JudgedByLock(AnyLauncher):
    """A launcher whose runs are dead when their lock proves it, wherever they execute."""

    clock: Callable[[], float] = staticmethod(time.monotonic)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """FAILED only for a process that is certainly gone, or silent on another host for `SILENT_S`; else RUNNING."""
        silent: dict[str, float] = self.__dict__.setdefault("_silent_since", {})
        verdict = verdict_of(self._instance, run)
        if verdict == "silent":
            since = silent.setdefault(run.run_id, self.clock())
            if self.clock() - since < SILENT_S:
                return CheckRunHealthResult(WorkerStatus.RUNNING)
        else:
            silent.pop(run.run_id, None)
        dead = verdict in ("gone", "silent")
        return CheckRunHealthResult(WorkerStatus.FAILED, ENDED) if dead else CheckRunHealthResult(WorkerStatus.RUNNING)
