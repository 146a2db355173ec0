"""Taking over who was called elsewhere, by paste or file: first what would become of each row, then the doing."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Form, UploadFile
from fastapi.responses import Response

from calling_pipeline.api.dependencies import Text
from calling_pipeline.call_batches.history.files import read_file
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import LEFT_OUT, REMARKS, ImportReport
from calling_pipeline.call_batches.records import REASONS
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput

router = APIRouter()
Operator = Annotated[View, Depends(viewing("operator", "batches"))]
Short = Annotated[Text, Form(max_length=500)]
LONGEST_FILE = 10_000_000
SHOWN = 500
"""Rows of each kind that the page names."""


@dataclass(frozen=True)
class Counted:
    """So many rows, and what they have in common, as a sentence."""

    name: str
    rows: int
    sentence: str


@dataclass(frozen=True)
class Found:
    """A report as the page shows it."""

    report: ImportReport
    reasons: Sequence[Counted]
    remarks: Sequence[Counted]

    @classmethod
    def of(cls, report: ImportReport) -> Found:
        """With each reason and remark in words."""
        reasons = [Counted(name, rows, said(name)) for name, rows in report.reasons.items()]
        return cls(report, reasons, [Counted(name, rows, REMARKS[name]) for name, rows in report.remarks.items()])

    @property
    def left_out(self) -> int:
        """Rows that are not taken."""
        return self.report.read - self.report.taken


def said(reason: str) -> str:
    """Why a row is not taken, as a sentence."""
    return LEFT_OUT.get(reason) or REASONS.get(reason, reason)


@router.get("/batches/history/import")
def ask(view: Operator) -> Response:
    """The form."""
    return _page(view, None, numbers="", source="", reason="")


@router.post("/batches/history/import")
def judge_or_import(
    view: Operator,
    do: Annotated[Literal["try", "import"], Form()] = "try",
    numbers: Annotated[str, Form()] = "",
    file: Annotated[UploadFile | None, File()] = None,
    source: Short = "",
    reason: Short = "",
) -> Response:
    """Say what would become of each row, or do it. The file counts where there is one, else what was pasted."""
    content, name = _content(numbers, file)
    with tempfile.TemporaryDirectory() as folder, view.transaction() as connection:
        path = Path(folder) / name
        path.write_bytes(content)
        report = import_history(
            connection,
            read_file(path),
            source=source,
            by=view.caller.name,
            reason=reason,
            dry_run=do == "try",
            shown=SHOWN,
        )
    return _page(view, report, numbers=numbers, source=source, reason=reason)


def _page(view: View, report: ImportReport | None, **typed: str) -> Response:
    found = None if report is None else Found.of(report)
    return view.page("batches/history_import.html", found=found, typed=typed, shown=SHOWN, sentence=said)


def _content(numbers: str, file: UploadFile | None) -> tuple[bytes, str]:
    content = file.file.read(LONGEST_FILE + 1) if file is not None and file.filename else b""
    if len(content) > LONGEST_FILE:
        raise InvalidInput(
            f"the file is larger than {LONGEST_FILE // 1_000_000} MB; import it in parts, or with"
            " `calling-pipeline calls history import`",
            field="file",
        )
    if content:
        return content, "uploaded.csv"
    if not numbers.strip():
        raise InvalidInput("there is nothing to import: choose a file or paste numbers, one per line", field="numbers")
    return numbers.encode(errors="replace"), "pasted.csv"
