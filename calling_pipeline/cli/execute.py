"""`calling-pipeline exec`: any command with the database up and Dagster's environment set."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import click

from calling_pipeline.at_most_once.orphans import is_held
from calling_pipeline.cli.machine.environment import of_dagster
from calling_pipeline.cli.output import Answer, Door, PipelineCommand
from calling_pipeline.cli.up import UP
from calling_pipeline.errors import Conflict, InvalidInput


@click.command("exec", cls=PipelineCommand, context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def execute(door: Door, command: tuple[str, ...]) -> Answer:
    """Run COMMAND with the database up and Dagster's environment set: `calling-pipeline exec -- dagster run list`."""
    runtime = door.ready_runtime
    environment = runtime.settings.child_environment(of_dagster(runtime))
    if starts_a_daemon(command):
        with runtime.transaction() as connection:
            if is_held(connection, UP):
                raise Conflict(
                    "`calling-pipeline up` runs a daemon already, and a second one would start every run twice;"
                    " `make down` ends it"
                )
    try:
        status = subprocess.run(command, env=environment, check=False).returncode
    except FileNotFoundError:
        raise InvalidInput(f"there is no command called {command[0]!r}") from None
    return Answer({"exit_status": status}, failed=status != 0)


def starts_a_daemon(command: Sequence[str]) -> bool:
    """Whether the command plainly starts Dagster's daemon; what does so in another way is refused by the daemon itself."""
    words = [Path(word).name for word in command]
    if words[0].startswith("python") and len(words) > 2 and words[1] == "-m":
        words = words[2:]
    dagster = words[0] in ("dagster", "dg") and "dev" in words[1:]
    return dagster or (words[0] in ("dagster-daemon", "dagster._daemon") and "run" in words[1:])
