"""Makes the report of a period: a revision when its numbers are new, none when they are not. Every door comes here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import sqlalchemy as sa

from calling_pipeline import days, tracing
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.activity.noting import note
from calling_pipeline.analysis.records import Note
from calling_pipeline.call_stats.history.store import read_history
from calling_pipeline.database import locks
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import alerting, periods, store
from calling_pipeline.reports.building import build
from calling_pipeline.reports.comparing import changes_between
from calling_pipeline.reports.facts import digest_of
from calling_pipeline.reports.records import Change, Period, Report, Stored

_LOCK = "report"


@dataclass(frozen=True)
class Made:
    """What making a report came to.

    `made`: a new revision, which is `stored`. `unchanged`: `stored` is the newest, and its numbers still stand. `waits`:
    nothing was made, and `waits` says for what; `stored` is the newest there is, None without any.
    """

    outcome: Literal["made", "unchanged", "waits"]
    stored: Stored | None
    waits: tuple[Note, ...] = ()


@tracing.traced("report")
def make(
    connection: sa.Connection,
    period: Period,
    *,
    by: str,
    deadline_h: float,
    agent_names: Mapping[str, str],
    reason: str | None = None,
) -> Made:
    """Make the report of `period` as it stands now, in the caller's transaction; two at once make one revision.

    A period whose days are not complete waits until its deadline and is partial after it. A person, who gives a `reason`,
    does not wait: what is missing is said in the report, and the act is noted. Raises `InvalidInput` for a period that has
    not begun, and for a person without a reason.
    """
    tracing.note(kind=period.kind, first=period.first.isoformat())
    _require_sensible(period, reason)
    locks.hold(connection, _LOCK, period.kind, period.first)
    before = store.newest(connection, period)
    sources = _sources(connection, period)
    report = build(connection, period, agent_names=agent_names)
    if report.partial and reason is None and days.now() < periods.deadline(period, deadline_h):
        return Made("waits", before, report.partial)
    made = _unchanged(connection, before, report, sources) or _revision(
        connection, before, report, sources=sources, by=by, reason=reason or ""
    )
    if reason is not None and made.stored is not None:
        after = {"revision": made.stored.revision, "outcome": made.outcome, "state": made.stored.state}
        note_act(connection, "report.make", f"report:{period.kind}/{period.label}", by=by, reason=reason, after=after)
    if made.outcome == "made":
        note(connection, f"{period.kind}_report", period.first, by=by)
    if made.stored is not None:
        alerting.judge_partial(connection, made.stored)
    return made


def _require_sensible(period: Period, reason: str | None) -> None:
    if days.today() < period.first:
        raise InvalidInput(f"{period.label} has not begun; there is nothing to report", field="period")
    if reason is not None and not reason.strip():
        raise InvalidInput("say why the report is made by hand", field="reason")


def _unchanged(connection: sa.Connection, before: Stored | None, report: Report, sources: Mapping[str, int]) -> Made | None:
    """The newest revision where it still stands: nothing differs, or its days left the caches and were not read since."""
    if before is None:
        return None
    known = store.sources_of(connection, before.id)
    same = before.digest == digest_of(report)
    pruned = _let_go(report) and all(sources.get(name) == number for name, number in known.items())
    if same and known != sources:
        store.confirm(connection, before.id, sources)
    return Made("unchanged", before) if same or (before.state == "complete" and pruned) else None


def _let_go(report: Report) -> bool:
    """Whether the caches have let some of its days go, so that the older revision knows more."""
    reads = next(table for table in report.section("proof").tables if table.name == "reads")
    place = [column.name for column in reads.columns].index("source")
    return any(row[place] == "history" for row in reads.rows)


def _revision(
    connection: sa.Connection,
    before: Stored | None,
    report: Report,
    *,
    sources: Mapping[str, int],
    by: str,
    reason: str,
) -> Made:
    numbered = replace(report, revision=before.revision + 1 if before is not None else 1)
    older = store.by_id(connection, before.id)[1] if before is not None else None
    changes: Sequence[Change] = changes_between(older, numbered) if older is not None else ()
    stored = store.insert_report(
        connection,
        numbered,
        digest=digest_of(numbered),
        sources=sources,
        changes=changes,
        made_by=by,
        reason=reason.strip(),
    )
    return Made("made", stored, numbered.partial)


def _sources(connection: sa.Connection, period: Period) -> dict[str, int]:
    """Which read of each day and track stands, and what the counts of agents and hours come to."""
    found = {"counts": store.counts_of(connection, period)}
    for one in read_history(connection, period.first, period.last):
        for track, number in (("task", one.task_fetch_number), ("grade", one.grade_fetch_number)):
            if number is not None:
                found[f"{track}:{one.date}"] = number
    return found
