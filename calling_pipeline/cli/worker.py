"""`calling-pipeline worker`: executes runs that wait in Celery's queues (CALLING_EXECUTOR=celery)."""

from __future__ import annotations

import os
import sys

import click

from calling_pipeline.cli.machine.environment import become_dagsters
from calling_pipeline.cli.output import Door, PipelineCommand
from calling_pipeline.errors import ConfigurationError

_PROGRAM = "calling_pipeline.defs.instance.celery.worker"


@click.command(cls=PipelineCommand)
@click.option("--concurrency", type=click.IntRange(1, 64), default=2, show_default=True, help="Runs at a time.")
@click.option(
    "--without-files",
    is_flag=True,
    help="Leave runs that need the contract ledgers, recordings, exports or logs to workers that have these files.",
)
@click.pass_obj
def worker(door: Door, concurrency: int, without_files: bool) -> None:
    """Execute runs that wait in Celery's queues (docs/engines.md). SIGTERM: no new ones, the end when all are done."""
    if door.runtime.settings.executor != "celery":
        raise ConfigurationError(
            "runs execute beside the code server: CALLING_EXECUTOR is in_process; set it to celery, with"
            " CALLING_CELERY_BROKER, for the daemon, the code server and the workers alike"
        )
    runtime = door.ready_runtime
    become_dagsters(runtime)
    runtime.close()
    more = ["without-files"] if without_files else []
    os.execv(sys.executable, [sys.executable, "-m", _PROGRAM, str(concurrency), *more])
