"""A report: the numbers of a day, week or month without text in a language, as it is stored and shown everywhere."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from calling_pipeline.analysis.records import Figure, Kind, Note, Table, Value
from calling_pipeline.charts.records import Look, MarkKind

ReportKind = Literal["daily", "weekly", "monthly"]
KINDS: tuple[ReportKind, ...] = get_args(ReportKind)
Shape = Literal["lines", "bars", "heat"]
State = Literal["complete", "partial"]


@dataclass(frozen=True)
class Period:
    """A day, a week that begins on Monday, or a month, in Asia/Shanghai; both ends included."""

    kind: ReportKind
    first: dt.date
    last: dt.date

    @property
    def label(self) -> str:
        """`2026-11-29`, `2026-W48` or `2026-11`."""
        if self.kind == "daily":
            return self.first.isoformat()
        if self.kind == "monthly":
            return f"{self.first:%Y-%m}"
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02d}"

    @property
    def days(self) -> list[dt.date]:
        """Every day of it, oldest first."""
        return [self.first + dt.timedelta(days=n) for n in range((self.last - self.first).days + 1)]


@dataclass(frozen=True)
class ChartSeries:
    """A row of numbers with the name of its column; None is a gap. `panel` counts from 0 and is for bars."""

    name: str
    values: tuple[float | None, ...]
    look: Look = "first"
    panel: int = 0


@dataclass(frozen=True)
class ChartMark:
    """A day that is held, incomplete or missing, by its place among the labels."""

    place: int
    kind: MarkKind


@dataclass(frozen=True)
class Chart:
    """What is drawn, without text: `drawings.drawing_of` makes it in a language.

    For `heat` each series is a row and its `name` the value of the row's label, which is of `row_kind`.
    """

    name: str
    shape: Shape
    labels: tuple[Value, ...]
    label_kind: Kind
    series: tuple[ChartSeries, ...]
    marks: tuple[ChartMark, ...] = ()
    unit: str = ""
    row_kind: Kind = "text"


@dataclass(frozen=True)
class Section:
    """One part of a report.

    `settled` is False where it shows how things stood when the report was made, not the period: what changes there makes no
    new revision.
    """

    name: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    notes: tuple[Note, ...] = ()
    settled: bool = True


@dataclass(frozen=True)
class Report:
    """The report of a period as it was made. `partial`: why it is not whole, empty when it is. `control`: its totals."""

    period: Period
    revision: int
    made_at: dt.datetime
    partial: tuple[Note, ...]
    sections: tuple[Section, ...]
    control: Mapping[str, int]

    @property
    def kind(self) -> ReportKind:
        """Daily, weekly or monthly."""
        return self.period.kind

    @property
    def state(self) -> State:
        """`partial` when something is missing from it."""
        return "partial" if self.partial else "complete"

    @property
    def control_code(self) -> str:
        """Ten hexadecimal characters that are the same on page, PDF, sheet and mail of the same totals."""
        return code_of(self.control)

    def section(self, name: str) -> Section:
        """The section of that name. Raises `KeyError`."""
        for one in self.sections:
            if one.name == name:
                return one
        raise KeyError(name)


@dataclass(frozen=True)
class Change:
    """A number that differs from the revision before; None where there was, or is, none."""

    section: str
    name: str
    kind: Kind
    before: Value
    after: Value


@dataclass(frozen=True)
class Stored:
    """A row of the ledger of reports, without its facts."""

    id: int
    period: Period
    revision: int
    state: State
    partial: tuple[Note, ...]
    control: Mapping[str, int]
    digest: str
    made_at: dt.datetime
    made_by: str
    reason: str
    changes: tuple[Change, ...]

    @property
    def control_code(self) -> str:
        """As of the report."""
        return code_of(self.control)


def code_of(control: Mapping[str, int]) -> str:
    """The control code of these totals."""
    return hashlib.sha256(json.dumps(control, sort_keys=True).encode()).hexdigest()[:10]


def rows_of(tables: Sequence[Table], name: str) -> list[dict[str, Value]]:
    """The rows of the table of that name as column → value, exact. Raises `KeyError`."""
    for table in tables:
        if table.name == name:
            names = [column.name for column in table.columns]
            return [dict(zip(names, row, strict=True)) for row in table.rows]
    raise KeyError(name)
