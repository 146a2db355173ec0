"""What an analysis answers: figures, tables and notes, the same for page, API, command line, report and Dagster.

Nothing here is text in a language. A column `calls` of the analysis `agents` is called `analysis.column_calls` in the
catalogue of texts, a figure `analysis.figure_NAME`, a note `analysis.note_NAME`, a table `analysis.table_NAME`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

Value = str | int | float | Decimal | dt.date | dt.datetime | None
"""A cell; None where nothing is known, which is not 0."""
Kind = Literal["text", "word", "whole", "number", "percent", "yuan", "day", "month", "hour", "weekday", "moment", "seconds"]
"""How a value is written. `percent` is a number from 0 to 100, `hour` 0 … 23, `weekday` 1 (Monday) … 7, `seconds` a
duration. A `word` is one of a few of our own and is called `analysis.word_VALUE`; `text` comes from outside."""
Severity = Literal["note", "warning"]


@dataclass(frozen=True)
class Column:
    """A column of a table. `low` and `high` name the columns that hold the ends of its 95 % interval."""

    name: str
    kind: Kind
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of values. `total_rows` is how many there are when `rows` are cut; it is never smaller than their number.

    Raises `ValueError` when a row has another number of values than there are columns.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    total_rows: int = -1

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.name}: a row has not {len(self.columns)} values")
        if self.total_rows < 0:
            object.__setattr__(self, "total_rows", len(self.rows))
        if self.total_rows < len(self.rows):
            raise ValueError(f"table {self.name}: {len(self.rows)} rows of {self.total_rows}")

    @property
    def cut(self) -> bool:
        """Whether there are more rows than are shown."""
        return self.total_rows > len(self.rows)

    @property
    def documents(self) -> list[dict[str, Value]]:
        """Each row as column → value."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Figure:
    """One number by itself; `before`: the same of the period before, `low` and `high`: the ends of its 95 % interval."""

    name: str
    value: Value
    kind: Kind
    before: Value = None
    low: Value = None
    high: Value = None


@dataclass(frozen=True)
class Note:
    """What must be said beside the numbers: what is held, missing, cut or assumed."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "note"


class FigureDocument(TypedDict):
    """One number; `before`: the same of the period before, `low` and `high`: the ends of its 95 % interval."""

    value: Value
    before: NotRequired[Value]
    low: NotRequired[Value]
    high: NotRequired[Value]


class TableDocument(TypedDict):
    """Rows as column → value; `total_rows` is larger than their number when the table is cut."""

    total_rows: int
    rows: list[dict[str, Value]]


AnalysisDocument = TypedDict(
    "AnalysisDocument",
    {
        "analysis": str,
        "from": dt.date,
        "to": dt.date,
        "figures": dict[str, FigureDocument],
        "tables": dict[str, TableDocument],
        "notes": list[dict[str, Any]],
    },
)
"""What an analysis found: figures and tables by name, and what must be said beside them, each with `note`, `severity`."""


@dataclass(frozen=True)
class Analysis:
    """One analysis over the days from `first` to `last`, both included."""

    name: str
    first: dt.date
    last: dt.date
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[Note] = ()

    @property
    def document(self) -> AnalysisDocument:
        """What API and command line answer."""
        return {
            "analysis": self.name,
            "from": self.first,
            "to": self.last,
            "figures": {one.name: _figure(one) for one in self.figures},
            "tables": {one.name: {"total_rows": one.total_rows, "rows": one.documents} for one in self.tables},
            "notes": [{"note": one.name, "severity": one.severity, **one.values} for one in self.notes],
        }


def _figure(one: Figure) -> FigureDocument:
    found: FigureDocument = {"value": _plain(one.value)}
    if one.before is not None:
        found["before"] = _plain(one.before)
    if one.low is not None:
        found["low"], found["high"] = _plain(one.low), _plain(one.high)
    return found


def _plain(value: Value) -> Value:
    """JSON has one kind of number."""
    return float(value) if isinstance(value, Decimal) else value
