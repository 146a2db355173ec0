"""The conditions of reports: one that is partial, one that is late, one that could not be made."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline import addresses
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.call_stats.ranges.store import first_kept_day
from calling_pipeline.reports import documents, periods
from calling_pipeline.reports.records import Period, Stored

ROOM = "reports"


def judge_partial(connection: sa.Connection, stored: Stored) -> None:
    """Say whether the newest revision is whole; it exists, so it is neither late nor failed."""
    period = stored.period
    lacking = periods.to_be_mended(stored.partial, first_kept_day(connection))
    said = "; ".join(documents.note_said(note, "en") for note in lacking)
    name = _name("report_partial", period)
    if lacking:
        conditions.observe(
            connection, _condition(name, period, f"the {period.kind} report of {period.label} is whole", said, "warning")
        )
    else:
        conditions.resolve(connection, name, f"revision {stored.revision} is whole")
    for kind in ("report_late", "report_failed"):
        conditions.resolve(connection, _name(kind, period), f"revision {stored.revision} was made")


def judge_late(connection: sa.Connection, late: Sequence[Period]) -> None:
    """Say which periods have no report though their deadline passed long enough ago for a run to make it."""
    for period in late:
        text = f"its deadline has passed and no revision of {period.label} was made"
        title = f"the {period.kind} report of {period.label} was made in time"
        conditions.observe(connection, _condition(_name("report_late", period), period, title, text, "error"))


def note_failure(connection: sa.Connection, period: Period, error: str) -> None:
    """Say that making the report failed; the next that is made closes the alert."""
    title = f"the {period.kind} report of {period.label} could be made"
    conditions.observe(connection, _condition(_name("report_failed", period), period, title, error, "error"))


def _name(kind: str, period: Period) -> str:
    return f"{kind}:{period.kind}:{period.label}"


def _condition(name: str, period: Period, title: str, text: str, severity: str) -> Condition:
    return Condition(
        name,
        True,
        "error" if severity == "error" else "warning",
        title,
        text,
        ROOM,
        conditions.moment(),
        subject=f"{period.kind} {period.label}",
        day=period.first,
        link=addresses.of_asset(f"{period.kind}_report"),
    )
