"""`calling-pipeline exports`: large exports of call records, written here or by a run, and their files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import click

from calling_pipeline import days
from calling_pipeline.access.people.records import Language
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import periods
from calling_pipeline.reports import store as reports
from calling_pipeline.reports.exports import asking, store
from calling_pipeline.reports.exports.dependencies import folder_of, oldest_day, place_of
from calling_pipeline.reports.exports.records import FILTERS, FORMATS, Export
from calling_pipeline.reports.exports.writing import write
from calling_pipeline.reports.records import KINDS
from calling_pipeline.texts.catalogue import LANGUAGES

_LISTED = ("export", "days", "format", "state", "rows", "of", "by", "asked", "kept until")


@click.group()
def exports() -> None:
    """Large exports of call records as one file: up to 31 days, whole or not at all.

    Example: calling-pipeline exports add --from 2026-11-01 --to 2026-11-30 --format csv.gz
    """


@exports.command(cls=PipelineCommand)
@click.option("--from", "first", required=True, metavar="D1", help="First day.")
@click.option("--to", "last", required=True, metavar="D2", help="Last day, included.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv.gz", show_default=True)
@click.option("--language", type=click.Choice(LANGUAGES), default=None, help="Of its words; else that of the settings.")
@click.option("--where", "where", multiple=True, metavar="NAME=VALUE", help=f"Narrow it by one of {', '.join(FILTERS)}.")
@click.option("--later", is_flag=True, help="Leave it to a run of Dagster instead of writing it here.")
@click.pass_obj
def add(door: Door, first: str, last: str, form: str, language: str | None, where: tuple[str, ...], later: bool) -> Answer:
    """Ask for an export and write it here, with progress; --later leaves it to a run."""
    runtime = door.ready_runtime
    chosen = cast(Language, language or runtime.settings.language)
    wanted = asking.wanted_of(
        first, last, form, chosen, _filters(where), oldest=oldest_day(runtime), names=("--from", "--to")
    )
    with runtime.transaction() as connection:
        export = asking.ask(connection, wanted, by=acting_user())
    if not later:
        export = _written(door, export)
    return Answer(export.document, [_said(export)], failed=export.state == "failed")


@exports.command(cls=PipelineCommand)
@click.argument("kind", metavar="NAME", type=click.Choice(KINDS))
@click.option("--period", default="last", show_default=True, help="2026-11-29, 2026-W48, 2026-11, or a day in it.")
@click.option("--revision", default=None, type=click.IntRange(1), help="Of the report; else the newest.")
@click.option("--language", type=click.Choice(LANGUAGES), default=None, help="Of its words; else that of the settings.")
@click.option("--later", is_flag=True, help="Leave it to a run of Dagster instead of writing it here.")
@click.pass_obj
def report(door: Door, kind: str, period: str, revision: int | None, language: str | None, later: bool) -> Answer:
    """The workbook of a report with the call records of its days, phones masked; `exports get` copies it.

    \b
    Example: calling-pipeline exports report daily --period 2026-11-29
    """
    runtime = door.ready_runtime
    chosen = cast(Language, language or runtime.settings.language)
    asked = periods.named(periods.kind_of(kind), period, days.today())
    with runtime.transaction() as connection:
        stored, _ = reports.read(connection, asked, revision)
        wanted = asking.wanted_of_report(stored, chosen, oldest=oldest_day(runtime))
        export = asking.ask(connection, wanted, by=acting_user())
    if not later:
        export = _written(door, export)
    return Answer(export.document, [_said(export)], failed=export.state == "failed")


@exports.command("list", cls=PipelineCommand)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10000))
@click.pass_obj
def list_exports(door: Door, limit: int) -> Answer:
    """The newest exports of everybody: who asked for what, how far it is, until when its file is kept."""
    with door.ready_runtime.transaction() as connection:
        found, _ = store.listed(connection, asked_by=None, limit=limit)
    lines = [table(_LISTED, [_row(one) for one in found])] if found else ["nobody asked for an export yet"]
    return Answer([one.document for one in found], lines)


@exports.command(cls=PipelineCommand)
@click.argument("export_id", metavar="ID", type=click.IntRange(1))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Copy its file to this one.")
@click.pass_obj
def get(door: Door, export_id: int, out: Path | None) -> Answer:
    """One export; with --out its file, which is noted in the audit log."""
    runtime = door.ready_runtime
    with runtime.transaction() as connection:
        export = store.by_id(connection, export_id)
        path = asking.file_of(connection, export, by=acting_user(), folder=folder_of(runtime)) if out else None
    lines = [_said(export)]
    if out is not None and path is not None:
        shutil.copyfile(path, out)
        lines.append(f"{export.bytes} bytes are in {out}; SHA-256 {export.digest}")
    return Answer(export.document, lines)


def _written(door: Door, export: Export) -> Export:
    runtime = door.ready_runtime
    with door.progress() as bar:
        task = bar.add_task("writing", total=None)
        return write(
            runtime.engine,
            runtime.transaction,
            export.id,
            place_of(runtime),
            progress=lambda rows, expected: bar.update(task, completed=rows, total=expected),
        )


def _filters(where: tuple[str, ...]) -> dict[str, str]:
    if any("=" not in one for one in where):
        raise InvalidInput("--where is written NAME=VALUE", field="--where")
    return {name.strip(): value for name, _, value in (one.partition("=") for one in where)}


def _said(export: Export) -> str:
    if export.state == "failed":
        return f"export {export.id} failed: {export.error}"
    if export.state == "done":
        return (
            f"export {export.id} has {export.rows} rows and is kept until {export.expires_at:%Y-%m-%d %H:%M}: {export.file}"
        )
    return f"export {export.id} is {export.state}: {export.percent} %"


def _row(one: Export) -> list[object]:
    until = f"{one.expires_at:%m-%d %H:%M}" if one.expires_at else ""
    return [
        one.id, f"{one.wanted.first} – {one.wanted.last}", one.wanted.format, one.state, one.rows, one.expected,
        one.asked_by,
        f"{one.asked_at:%m-%d %H:%M}", until,
    ]  # fmt: skip
