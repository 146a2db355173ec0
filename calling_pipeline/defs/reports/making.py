"""What the assets of reports do in a run: make, judge, show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from calling_pipeline.call_stats.ranges.store import first_kept_day
from calling_pipeline.errors import NotFound
from calling_pipeline.reports import alerting, documents, making, periods, store
from calling_pipeline.reports.control import disagreements
from calling_pipeline.reports.due import due
from calling_pipeline.reports.making import Made
from calling_pipeline.reports.quality import ReportFacts
from calling_pipeline.reports.records import Period, ReportKind
from calling_pipeline.runtime import Runtime


def period_of(kind: ReportKind, day: dt.date) -> Period:
    """The period whose partition begins on `day`."""
    return periods.containing(kind, day)


def make_now(runtime: Runtime, period: Period, *, by: str) -> Made:
    """Make the report in a transaction of its own; what fails is an alert, which the next revision closes."""
    settings = runtime.settings
    try:
        with runtime.transaction() as connection:
            return making.make(
                connection, period, by=by, deadline_h=settings.report_deadline, agent_names=settings.agent_names
            )
    except Exception as error:
        with runtime.transaction() as connection:
            alerting.note_failure(connection, period, f"{type(error).__name__}: {error}"[:300])
        raise


def due_now(runtime: Runtime, now: dt.datetime) -> Mapping[Period, int]:
    """The reports that are to be made, each with the number of its newest revision (0: none); late ones become alerts."""
    with runtime.transaction() as connection:
        found = due(connection, now, deadline_h=runtime.settings.report_deadline)
        alerting.judge_late(connection, found.late)
        newest = {one: store.newest(connection, one) for one in found.periods}
    return {one: stored.revision if stored is not None else 0 for one, stored in newest.items()}


def facts_of(runtime: Runtime, period: Period) -> ReportFacts:
    """What the checks judge."""
    with runtime.transaction() as connection:
        kept = store.kept_totals(connection, period)
        try:
            stored, report = store.read(connection, period)
        except NotFound:
            return ReportFacts(0, None, kept, (), ())
        lacking = periods.to_be_mended(stored.partial, first_kept_day(connection))
    lacks = [documents.note_said(note, "en") for note in lacking]
    return ReportFacts(stored.revision, stored.control, kept, disagreements(report), lacks)


def sentences(made: Made) -> Sequence[str]:
    """What was done, and for what it waits."""
    if made.outcome == "waits":
        return ["waits; nothing was made", *(documents.note_said(note, "en") for note in made.waits)]
    revision = made.stored.revision if made.stored is not None else 0
    if made.outcome == "unchanged":
        return [f"no number changed, revision {revision} stands"]
    return [f"revision {revision} was made", *(documents.note_said(note, "en") for note in made.waits)]


def metadata_of(made: Made) -> Mapping[str, Any]:
    """The newest revision, for the page of its asset. Raises `ValueError` when there is none."""
    stored = made.stored
    if stored is None:
        raise ValueError("no report was made")
    changed = [f"{one.section}.{one.name}: {one.before} → {one.after}" for one in stored.changes]
    return {
        "outcome": made.outcome,
        "revision": stored.revision,
        "state": stored.state,
        "control_code": stored.control_code,
        **{f"control_{name}": total for name, total in stored.control.items()},
        **({"changed": "\n".join(changed)} if changed else {}),
        **({"lacks": "\n".join(documents.note_said(note, "en") for note in stored.partial)} if stored.partial else {}),
    }
