"""`calling-pipeline status`: the first look of the day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.analysis.dagster_storage.records import DagsterState
from calling_pipeline.analysis.status.gathering import status as gather
from calling_pipeline.analysis.status.judging import days_said
from calling_pipeline.analysis.status.records import DayState, Status, Watcher
from calling_pipeline.call_stats.recent.records import Comparison, ScheduledSync, Speed
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, table
from calling_pipeline.shadow import SENTENCE


@click.command(cls=PipelineCommand)
@click.pass_obj
def status(door: Door) -> Answer:
    """What happened, what is not well, and what to do about it: syncs, days, numbers, vendor, alerts, batches, Dagster.

    Exits 0 when it could look, however bad it looks; `healthy` in the JSON says whether all is well.
    """
    found = gather(door.ready_runtime)
    return Answer(found, [*_problems(found), *_tables(found), *_sentences(found)])


def _problems(found: Status) -> Iterator[Any]:
    count = len(found.problems)
    verdict = "all is well" if found.healthy else f"{count} {'thing is' if count == 1 else 'things are'} not well"
    yield f"{found.at:%Y-%m-%d %H:%M} (Asia/Shanghai): {verdict}"
    if found.shadow:
        yield SENTENCE
    if found.problems:
        yield table(["", "what", "what to do"], ((n, one.what, one.do) for n, one in enumerate(found.problems, 1)))


def _tables(found: Status) -> Iterator[Any]:
    yield table(["sync", "due", "state", "days read", "began", "took"], map(_sync, found.syncs))
    tracks = {track: _days(found.days, track) for track in ("grade", "task")}
    yield table(["track", "good", "bad", "held", "missing", "not due"], ([name, *row] for name, row in tracks.items()))
    yield table(["day", "beside", "calls", "then", "", "orders", "then", ""], map(_comparison, found.numbers))
    if found.vendor:
        header = ["vendor", "newest read", "of", "pages", "s per page", "usually", "s per read", "usually"]
        yield table(header, map(_speed, found.vendor))
    if found.alerts:
        yield table(
            ["alert open", "since", "severity"], ((a.title, f"{a.since:%m-%d %H:%M}", a.severity) for a in found.alerts)
        )
    if found.batches:
        header = ["batch", "task", "day", "state", "to call", "unknown"]
        yield table(header, ((b.id, b.task_name, b.day, b.state, b.pending, b.unknown) for b in found.batches))


def _sentences(found: Status) -> Iterator[str]:
    if not found.alerts:
        yield "alerts: none is open"
    if not found.batches:
        yield "batches: none is open"
    for outbox, counts in found.messages.items():
        said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        yield f"messages to {outbox}: {said or 'none is open'}"
    pool = found.extensions
    yield f"extensions: {pool.in_use} of {pool.total} in use, {pool.available} free, {pool.offline} offline"
    yield _dagster(found.dagster)
    yield _watcher(found.watcher)


def _dagster(state: DagsterState) -> str:
    if state.unknown is not None:
        return f"Dagster: unknown: {state.unknown}"
    oldest = max((beat.age_s for beat in state.heartbeats), default=None)
    daemon = "daemon never seen" if oldest is None else f"daemon seen {oldest:.0f} s ago"
    return f"Dagster: {daemon}, {state.queued} runs wait, {state.running} run"


def _watcher(watcher: Watcher) -> str:
    if not watcher.is_set:
        return "outside watcher: none (CALLING_HEARTBEAT_URL); when everything stops, nobody hears it"
    if watcher.last_heard_at is None:
        return "outside watcher: has not heard yet"
    return f"outside watcher: last heard at {watcher.last_heard_at.astimezone(days.SHANGHAI):%m-%d %H:%M}"


def _sync(sync: ScheduledSync) -> Sequence[object]:
    began = f"{sync.started_at:%m-%d %H:%M:%S}" if sync.started_at else ""
    took = f"{sync.duration_s} s" if sync.duration_s is not None else ""
    return sync.schedule, f"{sync.due_at:%m-%d %H:%M}", sync.state, f"{sync.days_read} of {sync.days_due}", began, took


def _days(states: Sequence[DayState], track: str) -> Iterator[str]:
    """The days of a track by condition; good ones are counted, the others named."""
    for condition in ("good", "bad", "held", "missing", "not due"):
        dates = [one.date for one in states if (one.track, one.condition) == (track, condition)]
        yield str(len(dates)) if condition == "good" else days_said(dates)


def _comparison(one: Comparison) -> Sequence[object]:
    day = f"{one.date}" if one.hours == 24 else f"{one.date} until {one.hours}:00"
    calls, orders = _share(one.calls, one.calls_before), _share(one.orders, one.orders_before)
    return day, one.against, one.calls, one.calls_before, calls, one.orders, one.orders_before, orders


def _share(now: int | None, before: int | None) -> str:
    return f"{100 * now / before:.0f} %" if now is not None and before else ""


def _speed(speed: Speed) -> Sequence[object]:
    usual = ("" if value is None else f"{value:.2f}" for value in (speed.usual_page_s, speed.usual_read_s))
    page, read = usual
    when = f"{speed.finished_at:%m-%d %H:%M}"
    return (
        speed.track,
        when,
        f"{speed.date} {speed.mode}",
        speed.pages,
        f"{speed.page_s:.2f}",
        page,
        f"{speed.read_s:.2f}",
        read,
    )
