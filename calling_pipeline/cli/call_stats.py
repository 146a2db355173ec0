"""`calling-pipeline stats`: sync days by hand, and see what the caches hold."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import click

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.call_stats import retention
from calling_pipeline.call_stats.dependencies import CallStatsDependencies
from calling_pipeline.call_stats.held import decisions
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.ranges.views import FIGURES, range_view, require_range
from calling_pipeline.call_stats.records import TRACKS, DayResult, HeldDay, SyncType, Track
from calling_pipeline.call_stats.store import read_day, read_notices
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.call_stats.views import (
    day_view,
    held_notice,
    held_view,
    last_attempt,
    not_cached,
    proof_view,
    reason_views,
    require_partition,
)
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings


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
    wanted = days.day_range(days.day_asked(first, field="--from"), days.day_asked(last, field="--to"))
    runtime = door.ready_runtime
    for day, option in ((wanted[0], "--from"), (wanted[-1], "--to")):
        require_partition(day, runtime.settings.partition_start, field=option)
    _say_what_will_not_stay(runtime.settings, wanted)
    deps = CallStatsDependencies.from_runtime(runtime)
    wanted_track: Track = "task" if track == "task" else "grade"
    figures = FIGURES[wanted_track]
    with runtime.transaction() as connection:
        after = {"track": wanted_track, "from": first, "to": last, "sync_type": sync_type}
        note_act(connection, "day.sync", f"day:{wanted[-1]}", by=acting_user(), after=after)
    with door.progress() as bar:
        task = bar.add_task(f"{track} stats", total=len(wanted))

        def advance(day: dt.date, pages: int, expected: int) -> None:
            bar.update(task, description=f"{track} stats {day}: page {pages} of {expected}")

        results = sync_days(
            deps.engine,
            deps.guanke(),
            wanted_track,
            wanted,
            sync_type=sync_type,
            phone_key=deps.phone_key,
            rules=deps.rules,
            by=acting_user(),
            progress=advance,
            on_day=lambda _: bar.advance(task),
        )
    rows = [
        [one.date, one.outcome, *(getattr(one.stats, name, "") for name in figures), one.proof.pages, one.elapsed_s]
        for one in results
    ]
    lines: list[Any] = [table(["date", "outcome", *figures, "pages", "seconds"], rows)]
    lines += [f"{one.date}: {reason.severity}: {reason.sentence}" for one in results for reason in one.reasons]
    held = [one for one in results if one.outcome == "held"]
    if held:
        lines.append("held days are not published; `calling-pipeline stats held list` shows them")
    return Answer([_synced(one) for one in results], lines, failed=bool(held))


def _synced(one: DayResult) -> dict[str, Any]:
    """What a sync did with a day, and what the cache holds of it now."""
    stats = day_view(one.stats, from_cache=one.outcome == "held", elapsed_s=one.elapsed_s) if one.stats else None
    return {
        "date": one.date,
        "outcome": one.outcome,
        "elapsed_s": one.elapsed_s,
        "stats": stats,
        "proof": proof_view(one.proof),
        "reasons": reason_views(one.reasons),
    }


def _say_what_will_not_stay(settings: Settings, wanted: Sequence[dt.date]) -> None:
    kept = {"cache_days": settings.cache_retention_days, "record_days": settings.call_record_retention_days}
    notice = retention.notice(wanted, days.today(), **kept)
    if notice:
        click.echo(notice, err=True)


@stats.command(cls=PipelineCommand)
@click.option("--date", "text", default=None, metavar="D", help="One day, YYYY-MM-DD.")
@click.option("--from", "first", default=None, metavar="D1", help="First day of a range, YYYY-MM-DD.")
@click.option("--to", "last", default=None, metavar="D2", help="Last day of the range.")
@click.pass_obj
def show(door: Door, text: str | None, first: str | None, last: str | None) -> Answer:
    """What is stored of one day, or of a range: numbers of both tracks, age and fetch proof; nothing is read.

    A range shows every day with how it stands: complete, held, missing …; days that the caches have let go are shown as they
    are kept permanently. Exits 1 when there are no numbers at all.
    """
    if text is not None and first is None and last is None:
        return _show_day(door.ready_runtime, text)
    if text is None and first is not None and last is not None:
        return _show_range(door.ready_runtime, first, last)
    raise click.UsageError("name one day with --date, or a range with --from and --to")


def _show_day(runtime: Runtime, text: str) -> Answer:
    day = require_partition(days.day_asked(text, field="--date"), runtime.settings.partition_start, field="--date")
    document: dict[str, object] = {"date": day}
    lines: list[Any] = []
    found = False
    with runtime.transaction() as connection:
        for track in TRACKS:
            began = time.perf_counter()
            kept = read_day(connection, track, day)
            found = found or kept is not None
            if kept is None:
                held_read, failed = read_notices(connection, track, day)
                newest = last_attempt(held_read, failed)
                document[track] = {"held": held_notice(held_read), "last_attempt": newest} if newest else None
                lines.append(str(not_cached(track, day, held_read, failed)))
                continue
            answer = day_view(kept, from_cache=True, elapsed_s=time.perf_counter() - began)
            proof = proof_view(kept.proof)
            document[track] = {**answer, "proof": proof}
            shown = {**answer, **{f"proof: {name}": value for name, value in (proof or {}).items()}}
            lines.append(table(["figure", "value"], shown.items(), title=f"{track} dimension of {day}"))
    return Answer(document, lines, failed=not found)


def _show_range(runtime: Runtime, first: str, last: str) -> Answer:
    with runtime.transaction() as connection:
        oldest = runtime.settings.partition_start
        wanted = require_range(connection, first, last, oldest, options=("--from", "--to"))
        tracks = {track: range_view(connection, track, wanted) for track in TRACKS}
    pairs = [dict(zip(tracks, both, strict=True)) for both in zip(*tracks.values(), strict=True)]
    rows = [
        [one["task"]["date"], *(value for track in TRACKS for value in _cells(one[track], FIGURES[track]))] for one in pairs
    ]
    columns = ["date", *(name for track in TRACKS for name in (track, *FIGURES[track]))]
    lines: list[Any] = [table(columns, rows, title=f"{wanted[0]} to {wanted[-1]}")]
    lines += [f"{view['date']} {track}: {said}" for track, views in tracks.items() for view in views for said in _said(view)]
    document = {"from": wanted[0], "to": wanted[-1], "days": [{"date": one["task"]["date"], **one} for one in pairs]}
    return Answer(document, lines, failed=not any(view["source"] for views in tracks.values() for view in views))


def _cells(view: Mapping[str, Any], figures: Sequence[str]) -> list[Any]:
    return [view["standing"], *(view[name] for name in figures)]


def _said(view: Mapping[str, Any]) -> list[str]:
    """What an operator should know of the day beside its numbers."""
    attempt = view["last_attempt"]
    if view["warnings"]:
        return [warning["sentence"] for warning in view["warnings"]]
    return [f"{attempt['outcome']} at {attempt['at']:%Y-%m-%d %H:%M}: {attempt['error']}"] if attempt else []


@stats.group()
def held() -> None:
    """Days that the publishing gate holds: read, and not published."""


@held.command("list", cls=PipelineCommand)
@click.option("--all", "every", is_flag=True, help="With those that were published, discarded or replaced.")
@click.pass_obj
def list_held(door: Door, every: bool) -> Answer:
    """What waits for a decision, and why."""
    with door.ready_runtime.transaction() as connection:
        kept = held_store.held(connection, only_open=not every)
    rows = [
        [
            one.id,
            one.track,
            one.date,
            one.state,
            f"{one.held_at:%Y-%m-%d %H:%M}",
            "\n".join(f"{reason['rule']}: {reason['sentence']}" for reason in one.reasons),
            _figures(one.numbers_before),
            _figures(one.numbers),
        ]
        for one in kept
    ]
    columns = ["id", "track", "date", "state", "held at", "reasons", "published", "held"]
    return Answer([held_view(one) for one in kept], [table(columns, rows) if rows else "no day is held"])


def _decision(name: str, decide: Callable[..., HeldDay], summary: str) -> None:
    """A command that decides about one held day."""

    @held.command(name, cls=PipelineCommand, help=summary)
    @click.argument("held_id", type=click.IntRange(min=1))
    @click.option("--reason", required=True, help="Why; kept with the decision.")
    @click.option("--by", default=None, help="Who decides; without it the name of your login.")
    @click.pass_obj
    def command(door: Door, held_id: int, reason: str, by: str | None) -> Answer:
        with door.ready_runtime.transaction() as connection:
            one = decide(connection, held_id, by=by or acting_user(), why=reason)
        return Answer(held_view(one), [f"{one.track} {one.date} is {one.state} by {one.closed_by}"])


_decision("publish", decisions.publish, "Publish a held day in spite of the gate.")
_decision("discard", decisions.discard, "Drop what was read for a held day; the published numbers stand.")


def _figures(numbers: Mapping[str, Any] | None) -> str:
    return "\n".join(f"{name} {value}" for name, value in numbers.items()) if numbers else "nothing"
