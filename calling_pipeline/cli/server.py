"""The commands that run servers, and the one that migrates the database."""

from __future__ import annotations

import socket

import click

from calling_pipeline.call_stats.older_hashes.forward import bring_forward
from calling_pipeline.cli.output import Answer, Door, PipelineCommand
from calling_pipeline.errors import ConfigurationError

HOST = "127.0.0.1"


@click.command(cls=PipelineCommand)
@click.pass_obj
def migrate(door: Door) -> Answer:
    """Bring the database to the newest schema."""
    from calling_pipeline.database import migrate as migrations

    before, after = migrations.upgrade(door.runtime.engine)
    said = (
        f"the schema is at {after} already"
        if before == after
        else f"migrated from {before or 'an empty database'} to {after}"
    )
    forward = bring_forward(door.runtime.engine, door.runtime.phone_key)
    days = [day.isoformat() for day in forward.days]
    lines = [said]
    if forward.rows:
        lines.append(f"{forward.rows} call records have their phone hashed in the present form now")
    if days:
        lines.append(
            f"{len(days)} days ({days[0]} to {days[-1]}) hold phones that an older version hashed in another form. The"
            " syncs read the last ten days again by themselves; read earlier ones again with"
            " `calling-pipeline stats sync --track grade --from DAY --to DAY`"
        )
    document = {"before": before, "after": after, "phones_rehashed": forward.rows, "days_to_read_again": days}
    return Answer(document, lines)


@click.command(cls=PipelineCommand)
@click.option("--port", type=click.IntRange(1, 65535), help="Port; CALLING_API_PORT without it.")
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.pass_obj
def api(door: Door, port: int | None, host: str) -> None:
    """Serve the HTTP API until it is interrupted."""
    import uvicorn

    from calling_pipeline.api.app import create_app

    runtime = door.ready_runtime
    listener = listen(host, port or runtime.settings.api_port, setting="CALLING_API_PORT")
    config = uvicorn.Config(create_app(runtime), log_level="warning", access_log=False)
    click.echo(f"API on http://{host}:{listener.getsockname()[1]}", err=True)
    uvicorn.Server(config).run(sockets=[listener])


@click.command(cls=PipelineCommand)
@click.option("--port", type=click.IntRange(0, 65535), help="Port; CALLING_SIMULATOR_PORT without it, 0: any free one.")
@click.option("--seed", default=1, show_default=True, help="Seed of the world's data.")
@click.option(
    "--calls-csv", type=click.Path(exists=True, dir_okay=False), help="Draw durations and repeat contacts from this CSV."
)
@click.option("--records-per-day", default=2000, show_default=True, type=click.IntRange(0), help="Call records of one day.")
@click.option("--latency-ms", default=0, show_default=True, type=click.IntRange(0), help="Delay of every answer.")
@click.pass_obj
def simulator(door: Door, port: int | None, seed: int, calls_csv: str | None, records_per_day: int, latency_ms: int) -> None:
    """Serve the vendors' contracts over loopback HTTP until it is interrupted."""
    import uvicorn

    from calling_pipeline.simulator.app import create_app
    from calling_pipeline.simulator.world import World

    wanted = door.runtime.settings.simulator_port if port is None else port
    listener = listen(HOST, wanted, setting="CALLING_SIMULATOR_PORT")
    world = World(seed=seed, records_per_day=records_per_day, calls_csv=calls_csv)
    app = create_app(world, latency_s=latency_ms / 1000)
    click.echo(f"simulator on http://{HOST}:{listener.getsockname()[1]}", err=True)
    # Broken answers are its trade: it would fill standard error with a line for each.
    uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1)).run(
        sockets=[listener]
    )


def listen(host: str, port: int, *, setting: str) -> socket.socket:
    """A listening socket; `ConfigurationError` naming `setting` when the port is taken or not allowed."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port or {setting}"
        ) from error
    return listener
