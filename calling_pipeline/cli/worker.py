"""`calling-pipeline worker`: executes runs that wait in Celery's queues (CALLING_EXECUTOR=celery)."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress

import click

from calling_pipeline.cli.health.records import PROGRAM_OF_WORKERS
from calling_pipeline.cli.machine.environment import of_dagster
from calling_pipeline.cli.machine.processes import MARK
from calling_pipeline.cli.machine.stopping import let_runs_end
from calling_pipeline.cli.output import Door, PipelineCommand
from calling_pipeline.cli.roles import LAST_WORDS_S
from calling_pipeline.cli.supervisor import Interrupts, interruptible
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.runtime import Runtime


@click.command(cls=PipelineCommand)
@click.option("--concurrency", type=click.IntRange(1, 64), default=2, show_default=True, help="Runs at a time.")
@click.option(
    "--without-files",
    is_flag=True,
    help="Leave runs that need the contract ledgers, recordings, exports or logs to workers that have these files.",
)
@click.pass_obj
def worker(door: Door, concurrency: int, without_files: bool) -> None:
    """Execute runs that wait in Celery's queues (docs/engines.md).

    Asked to end (SIGTERM, Ctrl-C) it takes no more, and waits for its runs, at most a minute, while batches begin no call
    from then on: what is in flight is awaited and noted, the next run goes on, on another worker.
    """
    runtime = door.runtime
    if runtime.settings.executor != "celery":
        raise ConfigurationError(
            "runs execute beside the code server: CALLING_EXECUTOR is in_process; set it to celery, with"
            " CALLING_CELERY_BROKER, for the daemon, the code server and the workers alike"
        )
    more = ["without-files"] if without_files else []
    _supervise([sys.executable, "-m", PROGRAM_OF_WORKERS, str(concurrency), *more], door.ready_runtime)


def _supervise(command: Sequence[str], runtime: Runtime) -> None:
    """Until an interrupt, or until the worker ends by itself: then `ConfigurationError` says so."""
    environment = runtime.settings.child_environment({**of_dagster(runtime), MARK: uuid.uuid4().hex})
    with interruptible() as interrupts:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)
        try:
            with suppress(KeyboardInterrupt):
                status = process.wait()
                raise ConfigurationError(f"Celery's worker ended with status {status}; what it said stands above")
        finally:
            _end(process, runtime, environment, interrupts)


def _end(process: subprocess.Popen[bytes], runtime: Runtime, environment: dict[str, str], interrupts: Interrupts) -> None:
    """It takes no more orders first; then its runs end, and with them the process."""
    if process.poll() is None:
        process.terminate()
        let_runs_end(
            runtime.existing_dagster_url, environment, interrupts, lambda said: click.echo(said, err=True), worker=process
        )
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(LAST_WORDS_S)
    process.kill()
    process.wait()
