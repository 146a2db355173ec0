"""SQL of the ledger of reports. It never commits; what a stored revision says is never changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from calling_pipeline import days
from calling_pipeline.database.sql import load
from calling_pipeline.errors import NotFound
from calling_pipeline.reports.facts import change_facts, change_of, facts_of, note_facts, note_of, report_of
from calling_pipeline.reports.records import Change, Period, Report, ReportKind, Stored
from calling_pipeline.reports.tables import report_files, reports

_STANDING = load("reports/standing")
_SUMMED = ("task_days", "grade_days", "dialled", "connected", "records", "grade_9", "grade_1", "orders")
_c = reports.c
_ROW = (
    _c.id, _c.kind, _c.first, _c.last, _c.revision, _c.state, _c.partial, _c.control, _c.digest, _c.made_at, _c.made_by,
    _c.reason, _c.changes,
)  # fmt: skip


def insert_report(
    connection: sa.Connection,
    report: Report,
    *,
    digest: str,
    sources: Mapping[str, int],
    changes: Sequence[Change],
    made_by: str,
    reason: str,
) -> Stored:
    """Store a revision. Raises `IntegrityError` when the period has it already."""
    period = report.period
    values = {
        "kind": period.kind,
        "first": period.first,
        "last": period.last,
        "revision": report.revision,
        "state": report.state,
        "partial": [note_facts(one) for one in report.partial],
        "facts": facts_of(report),
        "control": dict(report.control),
        "sources": dict(sources),
        "digest": digest,
        "changes": [change_facts(one) for one in changes],
        "made_at": report.made_at,
        "made_by": made_by,
        "reason": reason,
    }
    row = connection.execute(sa.insert(reports).values(values).returning(*_ROW)).mappings().one()
    return _stored(row)


def newest(connection: sa.Connection, period: Period) -> Stored | None:
    """The newest revision of the period's report, None when none was made."""
    found = sa.select(*_ROW).where(*_of(period)).order_by(_c.revision.desc()).limit(1)
    row = connection.execute(found).mappings().first()
    return _stored(row) if row is not None else None


def revisions(connection: sa.Connection, period: Period) -> list[Stored]:
    """Every revision of the period's report, newest first."""
    found = sa.select(*_ROW).where(*_of(period)).order_by(_c.revision.desc())
    return [_stored(row) for row in connection.execute(found).mappings()]


def listed(connection: sa.Connection, kind: ReportKind | None = None, *, limit: int = 100, offset: int = 0) -> list[Stored]:
    """The newest revision of each period, newest period first."""
    ranked = sa.select(
        _c.id, sa.func.row_number().over(partition_by=(_c.kind, _c.first), order_by=_c.revision.desc()).label("n")
    )
    ranked_ids = (ranked.where(_c.kind == kind) if kind else ranked).subquery()
    found = (
        sa.select(*_ROW)
        .join(ranked_ids, ranked_ids.c.id == _c.id)
        .where(ranked_ids.c.n == 1)
        .order_by(_c.first.desc(), _c.kind, _c.id)
        .limit(limit)
        .offset(offset)
    )
    return [_stored(row) for row in connection.execute(found).mappings()]


def count_periods(connection: sa.Connection, kind: ReportKind | None = None) -> int:
    """How many periods have a report."""
    periods = sa.select(_c.kind, _c.first).distinct()
    found = (periods.where(_c.kind == kind) if kind else periods).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()


def by_id(connection: sa.Connection, report_id: int) -> tuple[Stored, Report]:
    """One revision with its facts. Raises `NotFound`."""
    row = connection.execute(sa.select(*_ROW, _c.facts).where(_c.id == report_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no report {report_id}")
    return _stored(row), report_of(row["facts"], row["revision"])


def read(connection: sa.Connection, period: Period, revision: int | None = None) -> tuple[Stored, Report]:
    """A revision of the period's report with its facts; without a number the newest. Raises `NotFound`."""
    found = sa.select(*_ROW, _c.facts).where(*_of(period))
    if revision is not None:
        found = found.where(_c.revision == revision)
    row = connection.execute(found.order_by(_c.revision.desc()).limit(1)).mappings().first()
    if row is None:
        which = f"revision {revision} of the " if revision is not None else ""
        raise NotFound(f"there is no {which}{period.kind} report of {period.label}")
    return _stored(row), report_of(row["facts"], row["revision"])


def sources_of(connection: sa.Connection, report_id: int) -> Mapping[str, int]:
    """Of which reads the revision was made or last compared with: `track:day` → its number; `counts` of agents and hours."""
    sources: Mapping[str, int] = connection.execute(sa.select(_c.sources).where(_c.id == report_id)).scalar_one()
    return sources


def confirm(connection: sa.Connection, report_id: int, sources: Mapping[str, int]) -> None:
    """Note that the revision still says the same of its period as these reads do."""
    connection.execute(sa.update(reports).where(_c.id == report_id).values(sources=dict(sources)))


def standing(connection: sa.Connection, wanted: Sequence[Period]) -> Sequence[Any]:
    """For each period the state of its newest revision, whether its days add up to something else, and to what."""
    values = {
        "kinds": [one.kind for one in wanted],
        "firsts": [one.first for one in wanted],
        "lasts": [one.last for one in wanted],
    }
    return connection.execute(_STANDING, values).all()


def kept_totals(connection: sa.Connection, period: Period) -> Mapping[str, int]:
    """What the kept numbers of the period's days add up to now, by the names of the control totals."""
    [row] = standing(connection, [period])
    return {name: int(row._mapping[name]) for name in _SUMMED}


def counts_of(connection: sa.Connection, period: Period) -> int:
    """One number that differs where any count of the period's agents or hours does."""
    [row] = standing(connection, [period])
    return int(row.counts)


def keep_file(connection: sa.Connection, report_id: int, language: str, format: str, digest: str) -> None:
    """Note that a file of these bytes was made of the report; noted once."""
    values = {"report_id": report_id, "language": language, "format": format, "digest": digest, "made_at": days.now()}
    connection.execute(insert(report_files).values(values).on_conflict_do_nothing())


def files_of(connection: sa.Connection, report_id: int) -> list[dict[str, Any]]:
    """The files that were made of the report: language, format, digest and when they were first made."""
    c = report_files.c
    found = sa.select(c.language, c.format, c.digest, c.made_at).where(c.report_id == report_id)
    rows = connection.execute(found.order_by(c.format, c.language, c.made_at)).mappings()
    return [{**row, "made_at": _local(row["made_at"])} for row in rows]


def _of(period: Period) -> tuple[sa.ColumnElement[bool], ...]:
    return (_c.kind == period.kind, _c.first == period.first)


def _stored(row: sa.RowMapping) -> Stored:
    return Stored(
        id=row["id"],
        period=Period(row["kind"], row["first"], row["last"]),
        revision=row["revision"],
        state=row["state"],
        partial=tuple(note_of(one) for one in row["partial"]),
        control=row["control"],
        digest=row["digest"],
        made_at=_local(row["made_at"]),
        made_by=row["made_by"],
        reason=row["reason"],
        changes=tuple(change_of(one) for one in row["changes"]),
    )


def _local(instant: dt.datetime) -> dt.datetime:
    return instant.astimezone(days.SHANGHAI)
