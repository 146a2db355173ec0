"""`calling-pipeline down`: end what `up` runs, or what a killed one left."""

from __future__ import annotations

import os
import signal
import time

import click
import psutil

from calling_pipeline.cli.machine import record as records
from calling_pipeline.cli.machine.leftovers import leftovers, stop_database, take_down
from calling_pipeline.cli.machine.processes import described
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
            _stop(running)
        if leftovers(record) or running is None:
            ended.extend(take_down(settings.home, record, _say))
    ended.extend(stop_database(settings.home, _say))
    lines = [f"ended {one}" for one in ended] or [f"nothing runs for {settings.home}"]
    return Answer({"ended": ended}, lines)


def _stop(process: psutil.Process) -> None:
    """Ask an `up` to stop, hurry it when it takes long, and kill it at last: its keeper then ends what it ran."""
    for sign, patience_s in ((signal.SIGTERM, PATIENCE_S), (signal.SIGTERM, HURRIED_S), (signal.SIGKILL, HURRIED_S)):
        _say(f"asking `up` ({process.pid}) to stop …" if sign == signal.SIGTERM else f"killing `up` ({process.pid})")
        try:
            os.kill(process.pid, sign)
            process.wait(patience_s)
        except (ProcessLookupError, psutil.NoSuchProcess):
            return
        except psutil.TimeoutExpired:
            continue
        return
    raise Busy(f"{described(process)} does not end; look at it, and call this again")


def _say(sentence: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {sentence}", err=True)
