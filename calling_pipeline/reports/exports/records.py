"""A large export as it is asked for and as it is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from typing_extensions import TypedDict

from calling_pipeline.access.people.records import Language

Format = Literal["csv.gz", "xlsx"]
FORMATS: tuple[Format, ...] = get_args(Format)
State = Literal["asked", "running", "done", "failed", "removed"]
FILTERS = ("agent_id", "task_name", "province", "connected", "ordered")
"""What may narrow an export: a value itself, or `yes` and `no` of the last two."""
REPORT = "report"
"""Among the filters of a stored export: the id of the report whose workbook the rows are added to."""
YES_OR_NO = ("connected", "ordered")
MEDIA: Mapping[Format, str] = {
    "csv.gz": "application/gzip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Wanted:
    """The call records of the days from `first` to `last`, both included, narrowed by `filters`."""

    first: dt.date
    last: dt.date
    format: Format
    language: Language
    filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def report_id(self) -> int | None:
        """The report whose workbook the rows are added to; None: the rows alone."""
        return int(self.filters[REPORT]) if REPORT in self.filters else None


ExportDocument = TypedDict(
    "ExportDocument",
    {
        "id": int,
        "what": Literal["call_records"],
        "from": dt.date,
        "to": dt.date,
        "filters": dict[str, str],
        "format": Format,
        "language": Language,
        "asked_by": str,
        "asked_at": dt.datetime,
        "state": State,
        "rows": int,
        "expected": int | None,
        "percent": int,
        "started_at": dt.datetime | None,
        "finished_at": dt.datetime | None,
        "bytes": int | None,
        "digest": str | None,
        "expires_at": dt.datetime | None,
        "error": str | None,
    },
)
"""An export: which rows, how far it is (`percent`), and its file once it is `done`."""


@dataclass(frozen=True)
class Export:
    """One row of the ledger of exports. `rows` of `expected` are written, `expected` None: not counted yet."""

    id: int
    wanted: Wanted
    asked_by: str
    asked_at: dt.datetime
    state: State
    attempts: int
    rows: int
    expected: int | None
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    file: str | None
    bytes: int | None
    digest: str | None
    expires_at: dt.datetime | None
    error: str | None

    @property
    def percent(self) -> int:
        """How far it is, from 0 to 100."""
        if self.state in ("done", "removed"):
            return 100
        return min(99, 100 * self.rows // self.expected) if self.expected else 0

    @property
    def name(self) -> str:
        """What a browser calls the file."""
        if self.wanted.report_id is not None:
            return f"report_{self.wanted.report_id}_with_call_records_{self.id}.{self.wanted.format}"
        return f"call_records_{self.wanted.first:%Y%m%d}_{self.wanted.last:%Y%m%d}_{self.id}.{self.wanted.format}"

    @property
    def document(self) -> ExportDocument:
        """What API and command line answer."""
        return {
            "id": self.id,
            "what": "call_records",
            "from": self.wanted.first,
            "to": self.wanted.last,
            "filters": dict(self.wanted.filters),
            "format": self.wanted.format,
            "language": self.wanted.language,
            "asked_by": self.asked_by,
            "asked_at": self.asked_at,
            "state": self.state,
            "rows": self.rows,
            "expected": self.expected,
            "percent": self.percent,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "bytes": self.bytes,
            "digest": self.digest,
            "expires_at": self.expires_at,
            "error": self.error,
        }
