"""Hands whole runs to Celery: their steps execute in one process of a worker, as they do beside the code server.

Celery only carries the order. Whether a run lives is judged by its lock, it is ended by its state in Dagster's database, and
its results are in the event log: none of that asks the broker, which may be a table of PostgreSQL.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster._core.launcher import LaunchRunContext
from dagster._serdes import ConfigurableClassData
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_QUEUE_TAG

from calling_pipeline.defs.instance.celery.queues import queue_of
from calling_pipeline.defs.instance.judging import JudgedByLock
from calling_pipeline.defs.instance.workers import worker_of

REASON = "it was ended before a worker began it"


class CeleryLauncher(JudgedByLock, CeleryRunLauncher):
    """Dagster's launcher for Celery, with our queues and our proof of death."""

    def __init__(self, broker: str, source: dict[str, Any], inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(default_queue=queue_of(None), broker=broker, config_source=source, inst_data=inst_data)

    @property
    def supports_resume_run(self) -> bool:
        return False  # a run whose process died starts again as a new one: `run_retries`

    def launch_run(self, context: LaunchRunContext) -> None:
        """Put the run into the queue of its centre, or that of the workers that have its files."""
        run = context.dagster_run
        chosen = {DAGSTER_CELERY_QUEUE_TAG: run.tags.get(DAGSTER_CELERY_QUEUE_TAG) or queue_of(run)}
        self._instance.add_run_tags(run.run_id, chosen)
        super().launch_run(context._replace(dagster_run=run.with_tags({**run.tags, **chosen})))

    def terminate(self, run_id: str) -> bool:
        """Say that it is to end: its process looks every few seconds (`workers.py`). One that none began is ended here."""
        run: dg.DagsterRun | None = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        if worker_of(run) is None:
            self._instance.report_run_canceled(run, REASON)
        return True
