"""`calling-pipeline simulator`: serve the simulated vendors."""

from __future__ import annotations

from pathlib import Path

import click
import uvicorn

from calling_pipeline.cli.listening import HOST, listen, serve
from calling_pipeline.cli.output import Door, PipelineCommand
from calling_pipeline.simulator.app import create_app
from calling_pipeline.simulator.world import World


@click.command(cls=PipelineCommand)
@click.option("--port", type=click.IntRange(0, 65535), help="Port; CALLING_SIMULATOR_PORT without it, 0: any free one.")
@click.option("--seed", default=1, show_default=True, help="Seed of the world's data.")
@click.option(
    "--calls-csv", type=click.Path(exists=True, dir_okay=False), help="Draw durations and repeat contacts from this CSV."
)
@click.option("--records-per-day", default=2000, show_default=True, type=click.IntRange(0), help="Call records of one day.")
@click.option("--latency-ms", default=0, show_default=True, type=click.IntRange(0), help="Delay of every answer.")
@click.option(
    "--hour-effect",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 2),
    help="How much the chance of an answer depends on weekday, hour and province: 0 not at all, 0.3 clearly.",
)
@click.option(
    "--pushed-calls",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Calls that the gateway takes become call records of Guanke; kept in this file.",
)
@click.pass_obj
def simulator(
    door: Door,
    port: int | None,
    seed: int,
    calls_csv: str | None,
    records_per_day: int,
    latency_ms: int,
    hour_effect: float,
    pushed_calls: Path | None,
) -> None:
    """Serve the vendors' contracts over loopback HTTP until it is interrupted."""
    wanted = door.runtime.settings.simulator_port if port is None else port
    listener = listen(HOST, wanted, setting="CALLING_SIMULATOR_PORT")
    world = World(
        seed=seed,
        records_per_day=records_per_day,
        calls_csv=calls_csv,
        hour_effect=hour_effect,
        pushed_calls=pushed_calls,
    )
    app = create_app(world, latency_s=latency_ms / 1000)
    click.echo(f"simulator on http://{HOST}:{listener.getsockname()[1]}", err=True)
    # It answers brokenly on purpose: a log line for each would fill standard error. It keeps idle connections longer than
    # clients do: one that it ends in the moment in which a client uses it again looks like a vendor that broke off.
    config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1, timeout_keep_alive=75)
    serve(uvicorn.Server(config), listener)
