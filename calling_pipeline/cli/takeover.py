"""`calling-pipeline takeover`: what an old system knows, taken over; comparing with it, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.errors import InvalidInput
from calling_pipeline.takeover import mapping as column_mapping
from calling_pipeline.takeover import store, values
from calling_pipeline.takeover.comparison import comparing
from calling_pipeline.takeover.export import exporting
from calling_pipeline.takeover.records import PARTS, Part, Takeover
from calling_pipeline.takeover.running import take_over
from calling_pipeline.takeover.sources.asking import asked_source
from calling_pipeline.takeover.views import reason_said, shown

_RUN = "run"


class _Takeover(click.Group):
    """`takeover SOURCE` is `takeover run SOURCE`: whatever is no command is a source."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            return super().resolve_command(ctx, [_RUN, *args])
        return super().resolve_command(ctx, args)


@click.group(cls=_Takeover, context_settings={"ignore_unknown_options": True})
def takeover() -> None:
    """Take over what an old system knows: `takeover SOURCE`. Nothing is called and nothing sent.

    SOURCE is a database URL (mysql://, postgresql://, sqlite:///), a SQLite file, or a folder of CSV and JSON files; it is
    only read. Others of this machine see a command line: a URL with a password comes by --source-file, or by the setting
    CALLING_TAKEOVER_SOURCE or CALLING_TAKEOVER_SOURCE_FILE, and then no SOURCE is named.
    """


def _source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """SOURCE, or a file that holds it, or neither: then the setting says it."""
    of_file = click.option(
        "--source-file", type=click.Path(path_type=Path, dir_okay=False), help="A file that holds SOURCE on its first line."
    )
    return click.argument("source", required=False)(of_file(command))


@takeover.command(_RUN, cls=PipelineCommand)
@_source_options
@click.option("--dry-run", is_flag=True, help="Report the same and change nothing.")
@click.option(
    "--mapping", "mapping_file", type=click.Path(path_type=Path, dir_okay=False), help="TOML file of tables and columns."
)
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Only this part; several for more.")
@click.option("--reason", default="", help="Why; kept in the audit log.")
@click.pass_obj
def run(
    door: Door,
    source: str | None,
    source_file: Path | None,
    dry_run: bool,
    mapping_file: Path | None,
    only: tuple[Part, ...],
    reason: str,
) -> Answer:
    """Take SOURCE over, part by part, and report every row.

    Begun again after it was cut off, it goes on where it was; done again, it takes nothing. Exit status 1 never says that
    rows were left out: the report does.

    \b
    calling-pipeline takeover --source-file /etc/calling/old-system --dry-run
    calling-pipeline takeover /srv/old/export --only history --only messages
    """
    runtime = door.ready_runtime
    with door.progress() as bar:
        lines: dict[Part, Any] = {}

        def show(part: Part, rows: int) -> None:
            if part not in lines:
                lines[part] = bar.add_task(part, total=None)
            bar.update(lines[part], completed=rows)

        done = take_over(
            runtime,
            asked_source(source, source_file, runtime.settings),
            mapping_file=mapping_file,
            only=only,
            dry_run=dry_run,
            by=acting_user(),
            reason=reason,
            progress=show,
        )
    return Answer(shown(done), [*_report(done)])


@takeover.command("mapping", cls=PipelineCommand)
def show_mapping() -> Answer:
    """Print the packaged mapping of tables and columns, as TOML; a file of your own names only what differs.

    \b
    calling-pipeline takeover mapping > mapping.toml
    """
    return Answer(column_mapping.load().sections, [column_mapping.packaged().rstrip()])


@takeover.command("list", cls=PipelineCommand)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.pass_obj
def list_takeovers(door: Door, limit: int) -> Answer:
    """Show the takeovers there were, the newest first."""
    with door.ready_runtime.transaction() as connection:
        found = store.latest(connection, limit=limit)
    columns = ["", "source", "begun", "state", "by", "taken", "contradictions"]
    rows = [
        [one.id, one.source, f"{one.begun_at:%Y-%m-%d %H:%M}", f"{one.state}{' (dry run)' if one.dry_run else ''}", one.by,
         one.taken, one.contradictions]
        for one in found
    ]  # fmt: skip
    return Answer([shown(one) for one in found], [table(columns, rows)])


@takeover.command("show", cls=PipelineCommand)
@click.argument("takeover_id", type=int)
@click.pass_obj
def show_takeover(door: Door, takeover_id: int) -> Answer:
    """Show one takeover: every part reconciled to zero, and the contradictions of the old data."""
    with door.ready_runtime.transaction() as connection:
        found = store.find(connection, takeover_id)
    return Answer(shown(found), [*_report(found)])


@takeover.command("compare", cls=PipelineCommand)
@_source_options
@click.option("--day", required=True, help="The shadow day, YYYY-MM-DD.")
@click.option(
    "--mapping", "mapping_file", type=click.Path(path_type=Path, dir_okay=False), help="TOML file of tables and columns."
)
@click.option("--csv", "csv_file", type=click.Path(path_type=Path, dir_okay=False), help="Write every number that differs.")
@click.option("--unmasked", is_flag=True, help="Whole numbers in that file: for admins, and noted in the audit log.")
@click.pass_obj
def compare(
    door: Door,
    source: str | None,
    source_file: Path | None,
    day: str,
    mapping_file: Path | None,
    csv_file: Path | None,
    unmasked: bool,
) -> Answer:
    """Show whom only the old system called on a shadow day, and whom only this one would have, with reasons.

    \b
    calling-pipeline takeover compare --day 2026-11-28 --source-file /etc/calling/old-system --csv differences.csv
    """
    on_day = days.day_asked(day, field="--day")
    found = comparing.compare(
        door.ready_runtime,
        asked_source(source, source_file, door.runtime.settings),
        on_day,
        mapping_file=mapping_file,
        csv_file=csv_file,
        unmasked=unmasked,
        by=acting_user(),
    )
    lines: list[Any] = [
        f"{found.day}: the old system called {found.old} numbers, this one would have called {found.new},"
        f" {found.both} of them the same; "
        f"{found.only('old')} only the old, {found.only('new')} only this one ({found.batches} batches)"
    ]
    rows = [
        [one.only, reason_said(comparing.said(one.reason, on_day)), one.numbers, ", ".join(one.examples[:3])]
        for one in found.differences
    ]
    return Answer(found, [*lines, table(["only", "because", "numbers", "such as"], rows)])


@takeover.command("export", cls=PipelineCommand)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--since", help="Only what was done since: YYYY-MM-DD, or with a time YYYY-MM-DDTHH:MM. All of it without.")
@click.pass_obj
def export(door: Door, folder: Path, since: str | None) -> Answer:
    """Write what this system did into FOLDER, in the form of the old tables: the way back.

    \b
    calling-pipeline takeover export /srv/back --since 2026-11-30T08:00
    """
    begin = values.moment(since) if since else None
    if since and begin is None:
        raise InvalidInput("--since is no day and no instant; write 2026-11-30 or 2026-11-30T08:00", field="--since")
    done = exporting.export(door.ready_runtime, folder, since=begin, by=acting_user())
    rows = [[name, number] for name, number in done.files.items()]
    return Answer(done, [table(["file", "rows"], rows), f"{done.rows} rows in {done.folder}; the folder has whole numbers"])


def _report(done: Takeover) -> Iterator[Any]:
    if done.dry_run:
        yield "dry run: nothing was changed"
    yield f"takeover {done.id} of {done.source}: {done.state}{f': {done.error}' if done.error else ''}"
    rows = [
        [p.part, p.state, p.rows_read, p.taken, p.already_there, sum(p.reasons.values()), p.difference] for p in done.parts
    ]
    yield table(["part", "", "rows read", "taken", "already there", "not taken", "difference"], rows)
    left = [[p.part, reason_said(reason), number] for p in done.parts for reason, number in sorted(p.reasons.items())]
    if left:
        yield table(["part", "not taken, because", "rows"], left)
    for part in done.parts:
        for kind, found in sorted(part.found.items()):
            yield f"{part.part}: {reason_said(kind)}: {found['count']}"
            yield from (f"  {example}" for example in found["examples"][:5])
