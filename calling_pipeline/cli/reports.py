"""`calling-pipeline reports`: the reports that were made, and making or writing one by hand."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from calling_pipeline import days
from calling_pipeline.access.people.records import Language
from calling_pipeline.cli import report_mail
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import documents, making, periods, store, views
from calling_pipeline.reports.downloads import FORMATS, file_of
from calling_pipeline.reports.records import KINDS, Stored
from calling_pipeline.texts.catalogue import LANGUAGES

_LISTED = ("report", "period", "revision", "state", "records", "orders", "control code", "made", "by")


@click.group()
def reports() -> None:
    """The reports of days, weeks and months: what was made, making one by hand, and who gets them by mail."""


for _command in report_mail.COMMANDS:
    reports.add_command(_command)


@reports.command("list", cls=PipelineCommand)
@click.option("--kind", type=click.Choice(KINDS), default=None, help="Only daily, weekly or monthly ones.")
@click.option("--period", default="", help="Every revision of one period (with --kind).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10000))
@click.pass_obj
def list_reports(door: Door, kind: str | None, period: str, limit: int) -> Answer:
    """The newest revision of each period, newest first; with --period every revision of that one."""
    if period and kind is None:
        raise InvalidInput("--period needs --kind", field="--kind")
    with door.ready_runtime.transaction() as connection:
        wanted = periods.kind_of(kind) if kind else None
        found = (
            store.revisions(connection, periods.named(wanted, period, days.today()))
            if period and wanted
            else store.listed(connection, wanted, limit=limit)
        )
    lines = [table(_LISTED, [_row(one) for one in found])] if found else ["no report was made yet; `reports run` makes one"]
    return Answer([views.line(one) for one in found], lines)


@reports.command(cls=PipelineCommand)
@click.argument("kind", metavar="NAME", type=click.Choice(KINDS))
@click.option("--period", default="last", show_default=True, help="2026-11-29, 2026-W48, 2026-11, or a day in it.")
@click.option("--reason", default="", help="Why it is made by hand; without it nothing new is made if a report exists.")
@click.option("--revision", default=None, type=click.IntRange(1), help="Write this revision; nothing is made.")
@click.option("--out", default=None, type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
@click.option("--format", "form", default=None, type=click.Choice([*FORMATS]), help="Of the file; else by its ending.")
@click.option("--language", default=None, type=click.Choice(LANGUAGES), help="Of the file; else that of the settings.")
@click.pass_obj
def run(
    door: Door,
    kind: str,
    period: str,
    reason: str,
    revision: int | None,
    out: Path | None,
    form: str | None,
    language: str | None,
) -> Answer:
    """Make the report of a period now, and write it to a file with --out.

    With --reason it is made whatever it lacks, which it then says; without one only when its days are complete or its
    deadline has passed. A new revision is made only if a number changed.

    \b
    Example: calling-pipeline reports run daily --period 2026-11-29 --reason "the board asks" --out report.pdf
    """
    runtime = door.ready_runtime
    asked = periods.named(periods.kind_of(kind), period, days.today())
    if revision is not None:
        with runtime.transaction() as connection:
            made = making.Made("unchanged", store.read(connection, asked, revision)[0])
    else:
        with runtime.transaction() as connection:
            made = making.make(
                connection,
                asked,
                by=acting_user(),
                deadline_h=runtime.settings.report_deadline,
                agent_names=runtime.settings.agent_names,
                reason=reason or None,
            )
    lines = _said(made, asked.label)
    if out is not None and made.stored is not None:
        ending = form or out.suffix.removeprefix(".")
        with runtime.transaction() as connection:
            stored, report = store.by_id(connection, made.stored.id)
            file = file_of(
                connection,
                stored,
                report,
                cast(Language, language or runtime.settings.language),
                ending,
                font=runtime.settings.report_font,
            )
        out.write_bytes(file.content)
        lines.append(f"{len(file.content)} bytes are in {out}; SHA-256 {file.digest}")
    return Answer(views.made_document(made), lines, failed=made.outcome == "waits")


def _said(made: making.Made, label: str) -> list[str]:
    stored = made.stored
    if stored is None or made.outcome == "waits":
        reasons = [f"  {documents.note_said(note, 'en')}" for note in made.waits]
        return [f"{label} waits; nothing was made (--reason makes it all the same):", *reasons]
    done = "was made" if made.outcome == "made" else "stands: no number changed"
    lines = [f"revision {stored.revision} of the {stored.period.kind} report of {label} {done} ({stored.state})"]
    lines += [f"  {documents.note_said(note, 'en')}" for note in stored.partial]
    return [*lines, f"control code {stored.control_code}"]


def _row(one: Stored) -> list[object]:
    return [
        one.period.kind,
        one.period.label,
        one.revision,
        one.state,
        one.control["records"],
        one.control["orders"],
        one.control_code,
        f"{one.made_at:%Y-%m-%d %H:%M}",
        one.made_by,
    ]
