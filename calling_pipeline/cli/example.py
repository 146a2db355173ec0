"""`calling-pipeline example`: the example world of a new installation with the simulator."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict

import click

from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user
from calling_pipeline.errors import VendorUnavailable
from calling_pipeline.example import hearing, removing, seeding
from calling_pipeline.example import links as way_in


@click.group()
def example() -> None:
    """A small example world for every room, with the vendors' simulator only; everything in it is called example or 示例."""


@example.command(cls=PipelineCommand)
@click.pass_obj
def seed(door: Door) -> Answer:
    """Make the example world, or what is missing of it. `up` does this once, on a new installation."""
    made = seeding.seed(door.ready_runtime)
    with suppress(VendorUnavailable):  # without `up` nobody calls; the next `up` does it
        hearing.hear(door.runtime)
    parts = [f"{count} {name.replace('_', ' ')}" for name, count in asdict(made).items() if count]
    said = f"made: {', '.join(parts)}" if parts else "everything is there already; nothing was changed"
    known = ["robots and the contract ledger are known to the other processes from the next `up` on"] if parts else []
    return Answer(made, [said, *known])


@example.command(cls=PipelineCommand)
@click.pass_obj
def remove(door: Door) -> Answer:
    """Remove the example world; it does not come back by itself. Says what is kept, because history is append-only."""
    removed = removing.remove(door.ready_runtime, by=acting_user())
    lines = [*(f"removed: {one}" for one in removed.gone), *(f"kept: {one}" for one in removed.kept)]
    return Answer(removed, lines or ["there is no example world"])


@example.command(cls=PipelineCommand)
@click.pass_obj
def links(door: Door) -> Answer:
    """Show a link for each person of the example, which logs them in to the console once, within ten minutes."""
    made = way_in.links(door.ready_runtime, by=acting_user())
    return Answer(made, [f"{name:<18} {address}" for name, address in made.items()])
