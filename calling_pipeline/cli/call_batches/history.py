"""`calling-pipeline calls history`: the numbers that another system called."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import click

from calling_pipeline.call_batches.history.files import read_file
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import LEFT_OUT, REMARKS, ImportReport, JudgedRow
from calling_pipeline.call_batches.records import REASONS
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table


@click.group()
def history() -> None:
    """Who was called before, here or elsewhere."""


@history.command("import", cls=PipelineCommand)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would become of each row, and change nothing.")
@click.option("--source", help="The system that the rows come from; without it the name of the file.")
@click.option("--reason", default="", help="Why; kept in the audit log.")
@click.option(
    "--rows", "rows_file", type=click.Path(dir_okay=False, path_type=Path), help="Write every row's verdict to this CSV."
)
@click.pass_obj
def import_file(door: Door, file: Path, dry_run: bool, source: str | None, reason: str, rows_file: Path | None) -> Answer:
    """Take the numbers that another system called into the call history, so that no batch calls them again.

    FILE is a CSV with a column of numbers (phone, mobile_phone, 手机号, …), JSON lines, or one number per line, in UTF-8 or
    GB18030. Columns that are known too: last_called_at, first_called_at, calls, staff_name, sys_name, order_type, order_nums
    and updated_time. A row without a time counts as called now. All rows are taken or none; the same file again changes
    nothing.

    \b
    calling-pipeline calls history import call_history.csv --dry-run
    calling-pipeline calls history import call_history.csv --source "old system" --reason "takeover"
    """
    with door.ready_runtime.transaction() as connection:
        report = import_history(
            connection,
            read_file(file),
            source=source or file.name,
            by=acting_user(),
            reason=reason,
            dry_run=dry_run,
            keep_rows=None if rows_file is None else lambda rows: _write(rows_file, rows),
        )
    return Answer(report, list(_lines(report, rows_file)))


def _lines(report: ImportReport, rows_file: Path | None) -> Iterator[Any]:
    if report.dry_run:
        yield "dry run: nothing was changed"
    yield f"{report.read} rows read = {report.taken} taken ({report.new} new, {report.changed} changed)" + "".join(
        f" + {rows} {reason}" for reason, rows in report.reasons.items()
    )
    for reason, rows in report.reasons.items():
        yield f"  {reason}: {rows} ({LEFT_OUT.get(reason) or REASONS.get(reason, reason)})"
    for remark, rows in report.remarks.items():
        yield f"  of the rows with a number, {rows} {remark}: {REMARKS[remark]}"
    if report.examples:
        yield table(("line", "number", "reason"), [(row.line, row.phone, row.reason) for row in report.examples])
    if rows_file is not None:
        yield f"every row's verdict is in {rows_file}"


def _write(path: Path, rows: Iterator[JudgedRow]) -> None:
    """Every row with its verdict, as a CSV with a byte order mark for spreadsheets."""
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([field.name for field in fields(JudgedRow)])
        writer.writerows(astuple(row) for row in rows)
