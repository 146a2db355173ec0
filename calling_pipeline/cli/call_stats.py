"""`calling-pipeline stats`: sync days by hand, and see what the caches hold."""

from __future__ import annotations

import datetime as dt
from typing import get_args

import click

from calling_pipeline import days
from calling_pipeline.call_stats.dependencies import CallStatsDependencies
from calling_pipeline.call_stats.records import TRACKS, SyncType
from calling_pipeline.call_stats.store import read_day
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.call_stats.views import day_view, not_cached, proof_view, require_partition
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, table

_FIGURES = {
    "grade": ("total_records", "grade_9", "grade_1", "total_success"),
    "task": ("total_tasks", "callout_number", "called_number", "success_number", "connected_rate"),
}


@click.group()
def stats() -> None:
    """The caches of call statistics."""


@stats.command(cls=PipelineCommand)
@click.option("--track", required=True, type=click.Choice(["task", "grade"]), help="Which of the two tracks.")
@click.option("--from", "first", required=True, metavar="D1", help="First day, YYYY-MM-DD.")
@click.option("--to", "last", required=True, metavar="D2", help="Last day, YYYY-MM-DD.")
@click.option("--sync-type", default="manual", show_default=True, type=click.Choice(get_args(SyncType)))
@click.pass_obj
def sync(door: Door, track: str, first: str, last: str, sync_type: str) -> Answer:
    """Pull days from the vendor and replace what is stored of them.

    Example: calling-pipeline stats sync --track grade --from 2026-11-13 --to 2026-11-22
    """
    wanted = days.day_range(days.parse_day(first, field="--from"), days.parse_day(last, field="--to"))
    runtime = door.ready_runtime
    for day, option in ((wanted[0], "--from"), (wanted[-1], "--to")):
        require_partition(day, runtime.settings.partition_start, field=option)
    deps = CallStatsDependencies.from_runtime(runtime)
    with door.progress() as bar:
        task = bar.add_task(f"{track} stats", total=len(wanted))

        def advance(day: dt.date, pages: int, expected: int) -> None:
            bar.update(task, description=f"{track} stats {day}: page {pages} of {expected}")

        results = sync_days(
            deps.engine,
            deps.guanke(),
            track,  # type: ignore[arg-type]  # click's Choice
            wanted,
            sync_type=sync_type,
            phone_key=deps.phone_key,
            progress=advance,
            on_day=lambda _: bar.advance(task),
        )
    document = [
        {
            "date": one.date,
            "outcome": one.outcome,
            "elapsed_s": one.elapsed_s,
            "stats": day_view(one.stats, from_cache=False) if one.stats else None,
            "proof": proof_view(one.proof),
        }
        for one in results
    ]
    figures = _FIGURES[track]
    rows = [
        [one.date, one.outcome, *(getattr(one.stats, name, "") for name in figures), one.proof.pages, one.elapsed_s]
        for one in results
    ]
    return Answer(document, [table(["date", "outcome", *figures, "pages", "seconds"], rows)])


@stats.command(cls=PipelineCommand)
@click.option("--date", "text", required=True, metavar="D", help="The day, YYYY-MM-DD.")
@click.pass_obj
def show(door: Door, text: str) -> Answer:
    """What the caches hold of one day: numbers, age and fetch proof. Exits 1 when neither holds anything."""
    runtime = door.ready_runtime
    day = require_partition(days.parse_day(text, field="--date"), runtime.settings.partition_start, field="--date")
    document: dict[str, object] = {"date": day}
    lines: list[object] = []
    found = False
    with runtime.transaction() as connection:
        for track in TRACKS:
            kept = read_day(connection, track, day)
            found = found or kept is not None
            if kept is None:
                document[track] = None
                lines.append(str(not_cached(track, day)))
                continue
            answer, proof = day_view(kept, from_cache=True), proof_view(kept.proof)
            document[track] = {**answer, "proof": proof}
            shown = {**answer, **{f"proof: {name}": value for name, value in (proof or {}).items()}}
            lines.append(table(["figure", "value"], shown.items(), title=f"{track} dimension of {day}"))
    return Answer(document, lines, failed=not found)
