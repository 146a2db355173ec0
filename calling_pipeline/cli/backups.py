"""`calling-pipeline backup`, `restore` and `go-on`: everything that cannot be made again, and how to go on with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.backups import going_on
from calling_pipeline.backups.going_on import WentOn
from calling_pipeline.backups.making import make_backup
from calling_pipeline.backups.records import Manifest
from calling_pipeline.backups.restoring import restore as restore_backup
from calling_pipeline.backups.verifying import read_manifest, verify
from calling_pipeline.backups.views import went_on_document
from calling_pipeline.call_batches.history.files import read_file
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user
from calling_pipeline.errors import InvalidInput

_FOLDER = click.Path(path_type=Path)
_LIST = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=PipelineCommand)
@click.argument("folder", type=_FOLDER)
@click.option("--without-key", is_flag=True, help="Leave the secret key out; keep it elsewhere.")
@click.option("--without-recordings", is_flag=True, help="Leave the recordings of calls out.")
@click.pass_obj
def backup(door: Door, folder: Path, without_key: bool, without_recordings: bool) -> Answer:
    """Write both databases, the secret key and all files into a new FOLDER while everything goes on working."""
    manifest = make_backup(
        door.ready_runtime,
        folder,
        by=acting_user(),
        with_key=not without_key,
        with_recordings=not without_recordings,
        say=lambda said: click.echo(said, err=True),
    )
    missing = f"; it holds no {' and no '.join(manifest.left_out)}" if manifest.left_out else ""
    return Answer(_document(manifest), [f"{folder} holds {_holds(manifest)}{missing}"])


@click.command(cls=PipelineCommand)
@click.argument("folder", type=_FOLDER)
@click.option("--replace", is_flag=True, help="Take the place of what is there; its databases are kept under another name.")
@click.option("--verify", "only_verify", is_flag=True, help="Compare the backup with its manifest and restore nothing.")
@click.option("--reason", default="", help="Why, for the audit log.")
@click.pass_obj
def restore(door: Door, folder: Path, replace: bool, only_verify: bool, reason: str) -> Answer:
    """Restore the backup in FOLDER to where the settings point; calls and messages are held back until `go-on`."""
    if only_verify:
        manifest = read_manifest(folder)
        files = verify(folder, manifest)
        return Answer(_document(manifest), [f"{files} files are what the manifest says: {_holds(manifest)}"])
    runtime = door.founding_runtime
    done = restore_backup(runtime, folder, by=acting_user(), reason=reason, replace=replace)
    lines = [f"restored {_holds(done.manifest)}; the schema is at {done.revision}"]
    lines += [f"what was there before is kept as the database {name}" for name in done.kept]
    lines.append(
        f"what was called or sent since {days.wall_clock(done.manifest.made_at)} is not known, so calls and messages are"
        " held back: say how to go on with `calling-pipeline go-on calls` and `calling-pipeline go-on messages`"
    )
    document = {**_document(done.manifest), "revision_now": done.revision, "kept": done.kept, "files_restored": done.files}
    return Answer(document, lines)


@click.group("go-on")
def go_on() -> None:
    """Say how a restored system goes on: what is known of the time since the backup.

    Example: calling-pipeline go-on calls --called-since numbers.csv --reason "list of the gateway, 9 to 11 o'clock"
    """


@go_on.command("calls", cls=PipelineCommand)
@click.option("--called-since", type=_LIST, help="A list of the numbers called since the backup: CSV, JSON lines or plain.")
@click.option("--nobody-was-called", is_flag=True, help="Nobody was called since the backup.")
@click.option("--reason", required=True, help="How you know.")
@click.pass_obj
def go_on_calls(door: Door, called_since: Path | None, nobody_was_called: bool, reason: str) -> Answer:
    """Let batches and clicks go on; nobody of the list is called by what was planned before."""
    if (called_since is None) != nobody_was_called:
        raise InvalidInput("say one of the two: --called-since FILE, or --nobody-was-called")
    runtime, by = door.ready_runtime, acting_user()
    rows = read_file(called_since) if called_since is not None else None
    with runtime.transaction() as connection:
        done = going_on.go_on_calling(connection, called_since=rows, by=by, reason=reason)
    read = done.called.read if done.called else 0
    said = f"calls go on; {read} rows of the list count as called" if read else "calls go on"
    return _answer(done, said)


@go_on.command("messages", cls=PipelineCommand)
@click.option("--may-have-been-sent", is_flag=True, help="Hold each message that waits until a person settles it.")
@click.option("--nothing-was-sent", is_flag=True, help="Nothing was sent since the backup: what waits is sent.")
@click.option("--reason", required=True, help="How you know.")
@click.pass_obj
def go_on_messages(door: Door, may_have_been_sent: bool, nothing_was_sent: bool, reason: str) -> Answer:
    """Let messages and mails of reports go on."""
    if may_have_been_sent == nothing_was_sent:
        raise InvalidInput("say one of the two: --may-have-been-sent, or --nothing-was-sent")
    runtime, by = door.ready_runtime, acting_user()
    with runtime.transaction() as connection:
        done = going_on.go_on_sending(connection, may_have_been_sent=may_have_been_sent, by=by, reason=reason)
    held = f"; {done.unknown} that waited are unknown, settle them with `notify settle` and `reports settle`"
    return _answer(done, "messages and mails go on" + (held if done.unknown else ""))


def _answer(done: WentOn, said: str) -> Answer:
    return Answer(went_on_document(done), [said])


def _holds(manifest: Manifest) -> str:
    made, names = days.wall_clock(manifest.made_at), " and ".join(sorted(manifest.databases))
    return f"{names} with {manifest.rows} rows and {len(manifest.files)} files, as of {made}"


def _document(manifest: Manifest) -> dict[str, Any]:
    files = {kind: sum(one.kind == kind for one in manifest.files) for kind in sorted({one.kind for one in manifest.files})}
    return {**dataclasses.asdict(manifest), "files": files}
