"""`calling-pipeline person`: give out or erase what is kept about one person, and show the certificates."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.persons import erasing, finding, store
from calling_pipeline.persons.dependencies import PersonDependencies
from calling_pipeline.persons.records import Preview
from calling_pipeline.persons.views import certificate_document, preview_document


@click.group()
def person() -> None:
    """One person who is called: what is kept about them, and its erasure. Numbers are masked in every output."""


@person.command(cls=PipelineCommand)
@click.argument("phone")
@click.option("--to", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write everything in full to this file.")
@click.option("--reason", default="", help="Who asked for it; kept in the audit log.")
@click.pass_obj
def export(door: Door, phone: str, path: Path | None, reason: str) -> Answer:
    """Say what is kept about a person and, with --to, write all of it for them, as JSON that this user alone may read.

    \b
    calling-pipeline person export 13812340000
    calling-pipeline person export 13812340000 --to person.json --reason "letter of 30 November"
    """
    runtime = door.ready_runtime
    deps = PersonDependencies.from_runtime(runtime)
    with runtime.transaction() as connection:
        seen = finding.preview(connection, deps, phone)
        if path is not None:
            document = finding.export(connection, deps, phone, by=acting_user(), reason=reason)
            _write(path, document)
    lines = _found(seen) if path is None else [*_found(seen), f"written to {path}"]
    return Answer({**preview_document(seen), "file": str(path) if path else None}, lines)


@person.command(cls=PipelineCommand)
@click.argument("phone")
@click.option("--reason", required=True, help="Who asked for it, and how.")
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and change nothing.")
@click.pass_obj
def erase(door: Door, phone: str, reason: str, dry_run: bool) -> Answer:
    """Erase a person: the number becomes a keyed hash, which is never called again, and a certificate says what was done.

    \b
    calling-pipeline person erase 13812340000 --reason "letter of 30 November" --dry-run
    calling-pipeline person erase 13812340000 --reason "letter of 30 November"
    """
    runtime = door.ready_runtime
    deps = PersonDependencies.from_runtime(runtime)
    with runtime.transaction() as connection:
        if dry_run:
            seen = finding.preview(connection, deps, phone)
            return Answer({**preview_document(seen), "dry_run": True}, [*_found(seen), "nothing was changed"])
        made = erasing.erase(connection, deps, phone, by=acting_user(), reason=reason)
    return Answer(certificate_document(made), erasing.lines_of(made))


@person.command(cls=PipelineCommand)
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.pass_obj
def certificate(door: Door, number: int) -> Answer:
    """Show a certificate again; it fails when it is not as it was made.

    \b
    Example: calling-pipeline person certificate 3
    """
    with door.ready_runtime.transaction() as connection:
        found = erasing.certificate(connection, number)
    return Answer(certificate_document(found), erasing.lines_of(found))


@person.command(cls=PipelineCommand)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10000))
@click.pass_obj
def certificates(door: Door, limit: int) -> Answer:
    """List the certificates, the newest first."""
    with door.ready_runtime.transaction() as connection:
        found = store.certificates(connection, limit=limit)
    rows = [
        (one.id, days.wall_clock(one.made_at), one.document["number"], one.made_by, one.document["reason"]) for one in found
    ]
    shown = table(("id", "at", "number", "by", "reason"), rows)
    return Answer([certificate_document(one) for one in found], [shown if found else "nobody was erased"])


def _write(path: Path, document: dict[str, Any]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)


def _found(seen: Preview) -> list[Any]:
    before = [f"erased before: certificate {number}" for number in seen.erased_before]
    left = [f"stays in a file of its owner: {one}" for one in seen.left]
    rows = table(("where", "rows", "what"), [(one.place, one.rows, one.what) for one in seen.found])
    found = [rows] if seen.found else ["nothing is kept about this number"]
    return [
        f"number {seen.number}",
        *before,
        *found,
        f"recordings: {seen.files}",
        *left,
        *([seen.obstacle] if seen.obstacle else []),
    ]
