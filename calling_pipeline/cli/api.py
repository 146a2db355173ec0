"""`calling-pipeline api`: serve the console and the HTTP API."""

from __future__ import annotations

import logging

import click
import uvicorn

from calling_pipeline.api.answers import ACCESS
from calling_pipeline.api.serving import configuration
from calling_pipeline.cli.listening import HOST, listen, serve
from calling_pipeline.cli.output import Door, PipelineCommand
from calling_pipeline.console.app import create_server


@click.command(cls=PipelineCommand)
@click.option("--port", type=click.IntRange(1, 65535), help="Port; CALLING_API_PORT without it.")
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.pass_obj
def api(door: Door, port: int | None, host: str) -> None:
    """Serve the console and the HTTP API until it is interrupted."""
    runtime = door.ready_runtime
    listener = listen(host, port or runtime.settings.api_port, setting="CALLING_API_PORT")
    logging.getLogger(ACCESS).setLevel(logging.INFO)
    config = configuration(create_server(runtime))
    click.echo(f"console and API on http://{host}:{listener.getsockname()[1]}", err=True)
    serve(uvicorn.Server(config), listener)
