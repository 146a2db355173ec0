"""`calling-pipeline demo`: a working day over the example world, so that the pages live while one looks."""

from __future__ import annotations

import click

from calling_pipeline.cli.output import Answer, Door, PipelineCommand
from calling_pipeline.example.demo.day import play


@click.command(cls=PipelineCommand)
@click.option("--fast", is_flag=True, help="Without the pauses in which people look.")
@click.pass_obj
def demo(door: Door, fast: bool) -> Answer:
    """Play a working day in about three minutes beside a running `up`, with the vendors' simulator only.

    Says what it does and on which page to look: a batch with unknown calls, calls of collectors, messages and a dead letter,
    a held day, an outage that heals. Ctrl-C ends it and heals what it broke.
    """
    try:
        batch = play(door.ready_runtime, _say, pace=0.0 if fast else 1.0)
    except KeyboardInterrupt:
        return Answer({"ended": "early"}, ["ended early; what the demo broke is healed, and a batch under way goes on"])
    return Answer({"ended": "done", "batch": batch}, ["the demo is over; what it broke is healed"])


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
