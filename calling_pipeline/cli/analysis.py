"""`calling-pipeline analysis`: what an analysis finds, as tables, as one JSON document or as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from calling_pipeline.access.people.records import ROOMS_WITH_TENANTS, Language
from calling_pipeline.analysis import wording
from calling_pipeline.analysis.asking import ask, span_of
from calling_pipeline.analysis.catalogue import ANALYSES
from calling_pipeline.analysis.records import Analysis, Table
from calling_pipeline.analysis.registry import Entry
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, table
from calling_pipeline.errors import InvalidInput

LANGUAGE: Final[Language] = "en"
SHOWN = 100
"""Rows of a table on the terminal; `--json` and `--csv` have all."""


class _Analyses(click.Group):
    """One command for each analysis."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(ANALYSES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = ANALYSES.get(cmd_name)
        return _command(entry) if entry is not None else None


@click.group(cls=_Analyses)
def analysis() -> None:
    """What the stored numbers say over any range of days.

    Example: calling-pipeline analysis trend --from 2026-11-01 --to 2026-11-30
    """


def _command(entry: Entry) -> click.Command:
    params: list[click.Parameter] = [
        click.Option(["--from", "first"], default="", metavar="D1", help="First day; without it 31 days are meant."),
        click.Option(["--to", "last"], default="", metavar="D2", help="Last day, included; today without it."),
        click.Option(["--csv", "file"], type=click.Path(dir_okay=False, path_type=Path), help="Write a table to this file."),
        click.Option(["--table", "which"], default="", metavar="NAME", help="Which table --csv writes; else the first."),
    ]
    if entry.room in ROOMS_WITH_TENANTS:
        params.append(click.Option(["--tenant", "tenant_id"], type=click.IntRange(min=1), help="Of one tenant only."))
    for name in entry.options:
        choices = entry.choices.get(name)
        kind = click.Choice(list(choices)) if choices else click.STRING
        words = wording.option_name(name, LANGUAGE)
        params.append(click.Option([f"--{name.replace('_', '-')}", name], type=kind, default=None, help=f"{words}."))

    @click.pass_obj
    def run(door: Door, /, **given: Any) -> Answer:
        return _answer(door, entry, given)

    return PipelineCommand(entry.name, params=params, callback=run, help=wording.about(entry.name, LANGUAGE))


def _answer(door: Door, entry: Entry, given: Mapping[str, Any]) -> Answer:
    runtime = door.ready_runtime
    oldest = runtime.settings.partition_start
    with runtime.transaction() as connection:
        span = span_of(connection, entry, given["first"], given["last"], oldest=oldest, names=("--from", "--to"))
        found = ask(
            connection,
            entry,
            span,
            caller=None,
            tenant_id=given.get("tenant_id"),
            options={name: given[name] for name in entry.options if given[name] is not None},
            agent_names=runtime.settings.agent_names,
        )
    lines = _lines(found)
    if given["file"] is not None:
        written = _table(found, given["which"])
        with given["file"].open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(wording.csv_rows(written, LANGUAGE))
        lines = [f"{len(written.rows)} rows of {written.name} are in {given['file']}"]
    return Answer(found.document, lines)


def _table(found: Analysis, name: str) -> Table:
    for one in found.tables:
        if name in ("", one.name):
            return one
    raise InvalidInput(f"{found.name} has no table {name!r}; it has: {', '.join(one.name for one in found.tables)}")


def _lines(found: Analysis) -> Sequence[Any]:
    lines: list[Any] = [f"{wording.title(found.name, LANGUAGE)}, {found.first} to {found.last}"]
    lines += [f"{note.severity}: {wording.note_said(note, LANGUAGE)}" for note in found.notes]
    if found.figures:
        rows = [
            [wording.figure_name(one.name, LANGUAGE), wording.figure_said(one, LANGUAGE), _before(one.before, one.kind)]
            for one in found.figures
        ]
        lines.append(table(["figure", "value", "period before"], rows))
    for one in found.tables:
        heads, cells = wording.table_said(one, LANGUAGE, most=SHOWN)
        lines.append(table(heads, cells, title=wording.table_name(one.name, LANGUAGE)))
        if one.total_rows > min(SHOWN, len(one.rows)):
            lines.append(f"{min(SHOWN, len(one.rows))} of {one.total_rows} rows; --csv and --json have {len(one.rows)}")
    return lines


def _before(value: Any, kind: Any) -> str:
    return "" if value is None else wording.said(value, kind, LANGUAGE)
