"""`calling-pipeline ui`: serve the Dagster UI to people who log in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click
import uvicorn

from calling_pipeline.cli.listening import HOST, listen, serve
from calling_pipeline.cli.machine.environment import become_dagsters
from calling_pipeline.cli.machine.services import workspace_file
from calling_pipeline.cli.machine.workspace import servers_of
from calling_pipeline.cli.output import Door, PipelineCommand
from calling_pipeline.cli.supervisor import accepts
from calling_pipeline.errors import InvalidInput

PATIENCE_S = 120.0


def wait_for_code(servers: Sequence[tuple[str, int]]) -> None:
    """Wait until these code servers take connections: what is loaded earlier finds no code. It goes on when that is long."""
    deadline = time.monotonic() + PATIENCE_S
    while not all(accepts(host, port) for host, port in servers) and time.monotonic() < deadline:
        time.sleep(0.05)


@click.command(cls=PipelineCommand)
@click.option("--port", type=click.IntRange(1, 65535), help="Port; CALLING_UI_PORT without it.")
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.option("--path-prefix", default="", help="Path under which a proxy serves it, such as /dagster.")
@click.option(
    "--workspace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Dagster's workspace file; without it the code server of CALLING_CODE_SERVER_PORT.",
)
@click.pass_obj
def ui(door: Door, port: int | None, host: str, path_prefix: str, workspace: Path | None) -> None:
    """Serve the Dagster UI: viewers look, operators and admins change; every change is in the audit log."""
    if path_prefix and (not path_prefix.startswith("/") or path_prefix.endswith("/")):
        raise InvalidInput("--path-prefix begins with / and does not end with it, such as /dagster")
    runtime = door.ready_runtime
    settings = runtime.settings
    become_dagsters(runtime)
    from calling_pipeline.ui.serving import application  # noqa: PLC0415 - 2,000 ms

    workspace = workspace or workspace_file(settings)
    wait_for_code(servers_of(workspace))
    listener = listen(host, port or settings.ui_port, setting="CALLING_UI_PORT")
    with application(runtime, workspace, prefix=path_prefix) as app:
        click.echo(f"Dagster UI on http://{host}:{listener.getsockname()[1]}{path_prefix}", err=True)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=3, proxy_headers=False, server_header=False
        )
        serve(uvicorn.Server(config), listener)
