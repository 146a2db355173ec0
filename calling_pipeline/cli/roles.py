"""`calling-pipeline daemon` and `code-server`: Dagster's processes, each alone, as a service of a deployment."""

from __future__ import annotations

import os
import subprocess
import uuid
from contextlib import suppress
from pathlib import Path

import click

from calling_pipeline.cli.listening import HOST, listen
from calling_pipeline.cli.machine.environment import become_dagsters, of_dagster
from calling_pipeline.cli.machine.processes import MARK
from calling_pipeline.cli.machine.services import code_server_command, daemon_command, workspace_file
from calling_pipeline.cli.machine.stopping import let_runs_end
from calling_pipeline.cli.machine.workspace import servers_of
from calling_pipeline.cli.output import Door, PipelineCommand
from calling_pipeline.cli.supervisor import Interrupts, interruptible
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.runtime import Runtime

LAST_WORDS_S = 25.0
"""How long the code server may take to end when its runs have ended."""


@click.command(cls=PipelineCommand)
@click.option(
    "--workspace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Dagster's workspace file; without it the code server of CALLING_CODE_SERVER_PORT.",
)
@click.pass_obj
def daemon(door: Door, workspace: Path | None) -> None:
    """Run Dagster's daemon: schedules, sensors, the queue of runs. There is one; a second ends with a sentence."""
    runtime = door.ready_runtime
    workspace = workspace or workspace_file(runtime.settings)
    command = daemon_command(workspace, servers_of(workspace))
    become_dagsters(runtime)
    door.close()
    os.execv(command[0], command)  # this process becomes the daemon: signals reach it, and no memory is held twice


@click.command("code-server", cls=PipelineCommand)
@click.option("--port", type=click.IntRange(1, 65535), help="Port; CALLING_CODE_SERVER_PORT without it.")
@click.option("--host", default=HOST, show_default=True, help="Address to listen on; it asks nobody who they are.")
@click.pass_obj
def code_server(door: Door, port: int | None, host: str) -> None:
    """Serve the code to Dagster's web server and daemon, and execute the runs that the daemon starts.

    Asked to end (SIGTERM, Ctrl-C) it waits for its runs, at most a minute, while batches begin no call from then on: what
    is in flight is awaited and noted, the next run goes on.
    """
    runtime = door.ready_runtime
    port = port or runtime.settings.code_server_port
    listen(host, port, setting="CALLING_CODE_SERVER_PORT").close()
    mark = {MARK: uuid.uuid4().hex}
    environment = runtime.settings.child_environment({**of_dagster(runtime), **mark})
    with interruptible() as interrupts:
        server = subprocess.Popen(
            code_server_command(runtime.settings, host, port),
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        try:
            _watch(server)
        finally:
            _end(server, runtime, environment, interrupts)


def _watch(server: subprocess.Popen[bytes]) -> None:
    """Until an interrupt; raises `ConfigurationError` when the server ends by itself."""
    with suppress(KeyboardInterrupt):
        status = server.wait()
        raise ConfigurationError(f"Dagster's code server ended with status {status}; what it said stands above")


def _end(server: subprocess.Popen[bytes], runtime: Runtime, environment: dict[str, str], interrupts: Interrupts) -> None:
    """Let the runs end first, for they are the server's children, and then the server."""
    if server.poll() is None:
        let_runs_end(runtime.existing_dagster_url, environment, interrupts, lambda said: click.echo(said, err=True))
        server.terminate()
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        server.wait(LAST_WORDS_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, 9)
    server.wait()
