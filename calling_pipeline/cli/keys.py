"""`calling-pipeline keys`: another secret key for what is sealed and hashed."""

from __future__ import annotations

import dataclasses

import click

from calling_pipeline.backups.key_rotation.rotating import rotate as rotate_keys
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user


@click.group()
def keys() -> None:
    """Another secret key for what is stored.

    Example: CALLING_SECRET_KEY=new CALLING_SECRET_KEY_PREVIOUS=old calling-pipeline keys rotate
    """


@keys.command(cls=PipelineCommand)
@click.pass_obj
def rotate(door: Door) -> Answer:
    """Seal and hash with CALLING_SECRET_KEY what the key of CALLING_SECRET_KEY_PREVIOUS sealed; begun again it goes on."""
    done = rotate_keys(door.ready_runtime, by=acting_user(), say=lambda said: click.echo(said, err=True))
    lines = [
        f"{sum(done.sealed.values())} secrets and {sum(done.hashes.values())} hashes of numbers are under the new key now",
        "nothing needs the key before any more; call records of numbers that nobody here called stay under it and are"
        f" deleted by {done.keep_until}. While CALLING_SECRET_KEY_PREVIOUS is set they are found by number, too",
        "read today again with `calling-pipeline stats sync --track grade`: its numbers are counted by their hashes",
    ]
    if done.unreadable:
        said = f"neither key opens {len(done.unreadable)} secrets, as that of {done.unreadable[0]}; enter them again"
        lines.append(f"{said}, and keep the key before")
    return Answer(dataclasses.asdict(done), lines, failed=bool(done.unreadable))
