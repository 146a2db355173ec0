"""Says of the facts what is not well and what to do next. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from calling_pipeline import days
from calling_pipeline.analysis.status.records import DayState, Facts, Problem, Status
from calling_pipeline.call_stats.recent.quality import read_duration_is_usual, vendor_speed_is_usual
from calling_pipeline.call_stats.recent.records import ScheduledSync
from calling_pipeline.call_stats.records import FailedRead, Track

SILENT_AFTER_S = 300.0
"""A daemon says that it lives every 30 seconds."""
QUEUED_TOO_LONG_S = 600.0
BUSY_POOL = 0.9
_START = "start it: `calling-pipeline up`, or its service; its log says why it ended"


@dataclass(frozen=True)
class DayNotes:
    """What is known of one day of one track. `held`: why the gate holds its newest read; `failed`: its newest attempt."""

    cached: bool
    due: bool
    held: tuple[str, ...] | None
    failed: FailedRead | None
    failing_checks: tuple[str, ...]


def day_state(day: dt.date, track: Track, notes: DayNotes) -> DayState:
    """What an operator is shown of the day: its gravest condition, and every reason there is."""
    failed = notes.failed
    reasons = [*(notes.held or ()), *notes.failing_checks]
    if failed is not None:
        reasons.append(f"the attempt of {failed.failed_at.astimezone(days.SHANGHAI):%m-%d %H:%M} failed: {failed.error}")
    if not notes.cached and notes.held is None:
        return DayState(day, track, "missing" if notes.due or failed else "not due", tuple(reasons))
    if notes.held is not None:
        return DayState(day, track, "held", tuple(reasons))
    return DayState(day, track, "bad" if reasons else "good", tuple(reasons))


def judge(facts: Facts) -> Status:
    """The facts with their problems, those that hold up the most first."""
    rules = (_dagster, _syncs, _days, _batches, _messages, _alerts, _vendor, _extensions)
    problems = tuple(problem for rule in rules for problem in rule(facts))
    return Status(**vars(facts), healthy=not problems, problems=problems)


def _dagster(facts: Facts) -> Iterator[Problem]:
    state = facts.dagster
    if state.unknown is not None:
        yield Problem("dagster", f"Dagster's state is unknown: {state.unknown}", "`calling-pipeline up` makes and starts it")
        return
    if not state.heartbeats:
        yield Problem("dagster", "Dagster's daemon has never run: nothing is scheduled", _START)
    silent = [beat for beat in state.heartbeats if beat.age_s > SILENT_AFTER_S]
    if silent:
        names = "; ".join(f"{beat.daemon} for {round(beat.age_s / 60)} minutes" for beat in silent)
        yield Problem("dagster", f"Dagster's daemon is silent: {names}", _START)
    waited_s = state.oldest_queued_s or 0.0
    if waited_s > QUEUED_TOO_LONG_S:
        what = f"{state.queued} runs wait in the queue, the first for {round(waited_s / 60)} minutes; {state.running} run"
        yield Problem("dagster", what, "see the page Runs of the Dagster UI; end what hangs, or wait")
    for run in state.schedule_runs:
        if run.status == "FAILURE":
            what = f"the newest run of {run.schedule} failed (run {run.run_id[:8]})"
            yield Problem("dagster", what, "read why on its page in the Dagster UI, then Re-execute it there", run.run_id)


def _syncs(facts: Facts) -> Iterator[Problem]:
    for sync in facts.syncs:
        if sync.state == "late":
            missing = days_said(sync.days_not_read)
            what = f"{sync.schedule}, due at {sync.due_at:%m-%d %H:%M}, read {sync.days_read} of {sync.days_due} days"
            newest = f"{max(sync.days_not_read)}"
            yield Problem("syncs", f"{what}; not read since: {missing}", _sync_command(sync), newest)


def _days(facts: Facts) -> Iterator[Problem]:
    for day in facts.days:
        about, why = f"{day.date} of the {day.track} track", "; ".join(day.reasons)
        match day.condition:
            case "missing":
                command = f"`calling-pipeline stats sync --track {day.track} --from {day.date} --to {day.date}`"
                yield Problem("days", f"{about} is missing" + (f": {why}" if why else ""), command, f"{day.date}")
            case "held":
                do = "`calling-pipeline stats held list`, then publish or discard"
                yield Problem("days", f"{about} is held: {why}", do, f"{day.date}")
            case "bad":
                do = "`calling-pipeline alerts list` says more of each check"
                yield Problem("days", f"{about} is bad: {why}", do, f"{day.date}")
            case "good" | "not due":
                pass


def _batches(facts: Facts) -> Iterator[Problem]:
    for batch in facts.batches:
        about = f"batch {batch.id} ({batch.task_name})"
        if batch.unknown:
            what = f"{about} has {batch.unknown} calls whose outcome is unknown"
            yield Problem("batches", what, "ask the gateway about them, then `calling-pipeline calls settle`", f"{batch.id}")
        if batch.state == "paused":
            what = f"{about} is paused with {batch.pending} calls to make" + (f": {batch.note}" if batch.note else "")
            do = f"`calling-pipeline calls resume {batch.id}` or `calls cancel {batch.id}`"
            yield Problem("batches", what, do, f"{batch.id}")


def _messages(facts: Facts) -> Iterator[Problem]:
    for outbox, counts in facts.messages.items():
        more = " --technicians" if outbox == "technicians" else ""
        if counts.get("unknown"):
            what = f"{counts['unknown']} messages to {outbox} are held: they may have arrived"
            yield Problem(
                "messages", what, f"ask their receivers, then `calling-pipeline notify settle{more}`", f"{outbox}:unknown"
            )
        if counts.get("dead"):
            what = f"{counts['dead']} messages to {outbox} are dead letters: certainly not sent, and given up"
            yield Problem(
                "messages", what, f"`calling-pipeline notify status` says why, then `notify redrive{more}`", f"{outbox}:dead"
            )


def _alerts(facts: Facts) -> Iterator[Problem]:
    if facts.alerts:
        names = "; ".join(alert.title for alert in facts.alerts[:3])
        more = f" and {len(facts.alerts) - 3} more" if len(facts.alerts) > 3 else ""
        yield Problem("alerts", f"{len(facts.alerts)} alerts are open: {names}{more}", "`calling-pipeline alerts list`")


def _vendor(facts: Facts) -> Iterator[Problem]:
    for speed in facts.vendor:
        for finding in (vendor_speed_is_usual(speed), read_duration_is_usual(speed)):
            if not finding.passed:
                what = f"the vendor is slow ({speed.track} track, {speed.date}): {finding.sentence}"
                yield Problem("vendor", what, "ask Guanke; the numbers come later as long as it lasts", f"{speed.date}")


def _extensions(facts: Facts) -> Iterator[Problem]:
    pool = facts.extensions
    usable = pool.total - pool.offline
    if usable and pool.in_use / usable >= BUSY_POOL:
        what = f"{pool.in_use} of {usable} extensions are in use"
        yield Problem("extensions", what, "`calling-pipeline telephony stats`; release what hangs, or import more")


def days_said(dates: Sequence[dt.date]) -> str:
    """Days in order, unbroken stretches as `first to last`."""
    stretches: list[list[dt.date]] = []
    for date in sorted(dates):
        if stretches and date - stretches[-1][-1] == dt.timedelta(days=1):
            stretches[-1].append(date)
        else:
            stretches.append([date])
    return ", ".join(_stretch_said(stretch) for stretch in stretches)


def _stretch_said(stretch: Sequence[dt.date]) -> str:
    return f"{stretch[0]}" if len(stretch) == 1 else f"{stretch[0]} to {stretch[-1]}"


def _sync_command(sync: ScheduledSync) -> str:
    first, last = _ends(sync.days_not_read)
    return f"`calling-pipeline stats sync --track {sync.track} --from {first} --to {last} --sync-type {sync.sync_type}`"


def _ends(dates: Iterable[dt.date]) -> tuple[dt.date, dt.date]:
    ordered = sorted(dates)
    return ordered[0], ordered[-1]
