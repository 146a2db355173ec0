"""`calling-pipeline down`: end what `up` runs, or what a killed one left."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import click

from calling_pipeline.cli.machine import record as records
from calling_pipeline.cli.machine.leftovers import leftovers, stop_database, take_down
from calling_pipeline.cli.machine.processes import Identity, described
from calling_pipeline.cli.output import Answer, Door, PipelineCommand
from calling_pipeline.errors import Busy, NotFound

PATIENCE_S = 90.0
"""How long an `up` may take to stop by itself before it is hurried."""
HURRIED_S = 45.0


@click.command(cls=PipelineCommand)
@click.pass_obj
def down(door: Door) -> Answer:
    """End what `calling-pipeline up` runs here, or what one that was killed left behind; the data stay.

    It may be called at any time, and says what it ended.
    """
    settings = door.settings
    if not settings.home.is_dir():
        raise NotFound(f"there is no {settings.home}: {settings.where_home_is()}")
    record = records.read(settings.home)
    ended = []
    if record is not None:
        running = record.up.process()
        if running is not None:
            ended.append(f"{described(running)}, with all that it ran")
            _stop(record.up)
        if leftovers(record) or running is None:
            ended.extend(take_down(settings.home, record, _say))
    ended.extend(stop_database(settings.home, _say))
    lines = [f"ended {one}" for one in ended] or [f"nothing runs for {settings.home}"]
    return Answer({"ended": ended}, lines)


def _stop(up: Identity) -> None:
    """Ask an `up` to stop, hurry it when it takes long, and kill it at last: its keeper then ends what it ran.

    Raises `Busy` when it does not end.
    """
    for sign, patience_s in ((signal.SIGTERM, PATIENCE_S), (signal.SIGTERM, HURRIED_S), (signal.SIGKILL, HURRIED_S)):
        _say(f"asking `up` ({up.pid}) to stop …" if sign == signal.SIGTERM else f"killing `up` ({up.pid})")
        with suppress(ProcessLookupError):
            os.kill(up.pid, sign)
        deadline = time.monotonic() + patience_s
        while up.process() is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        if up.process() is None:
            return
    raise Busy(f"`up` (process {up.pid}) does not end; look at it, and call this again")


def _say(sentence: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {sentence}", err=True)
