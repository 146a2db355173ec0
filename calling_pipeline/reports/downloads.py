"""A report as a file: every door asks here. The bytes are made of the stored facts, and their digest is kept."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from calling_pipeline.access.people.records import Language
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import store, views
from calling_pipeline.reports.files.csv import csv_of
from calling_pipeline.reports.files.excel import write_excel
from calling_pipeline.reports.files.pdf import pdf_of
from calling_pipeline.reports.records import Report, Stored


@dataclass(frozen=True)
class Format:
    """How a file of a report is made (with a font, or None for the usual one), and what it is to a browser.

    `ending`: of the file's name, where it is not the name of the format.
    """

    media_type: str
    make: Callable[[Stored, Report, Language, Path | None], bytes]
    ending: str = ""


@dataclass(frozen=True)
class File:
    """A file of a report. `digest` is the SHA-256 of its bytes."""

    name: str
    media_type: str
    content: bytes
    digest: str


def _json(stored: Stored, report: Report, _language: Language, _font: Path | None) -> bytes:
    return json.dumps(views.document(stored, report), ensure_ascii=False, indent=1, default=_plain).encode()


def _pdf(_stored: Stored, report: Report, language: Language, font: Path | None) -> bytes:
    return pdf_of(report, language, font=font)


def _excel(_stored: Stored, report: Report, language: Language, _font: Path | None) -> bytes:
    buffer = io.BytesIO()
    write_excel(report, language, buffer)
    return buffer.getvalue()


def _csv(_stored: Stored, report: Report, language: Language, _font: Path | None) -> bytes:
    return csv_of(report, language)


def _plain(value: Any) -> str:
    return str(value.isoformat())


FORMATS: Mapping[str, Format] = {
    "pdf": Format("application/pdf", _pdf),
    "xlsx": Format("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _excel),
    "csv": Format("application/zip", _csv, "csv.zip"),
    "json": Format("application/json", _json),
}
"""By name. `csv` is an archive with a file for each table."""


def file_of(
    connection: sa.Connection,
    stored: Stored,
    report: Report,
    language: Language,
    format: str,
    *,
    font: Path | None = None,
) -> File:
    """The report as a file, its digest kept in the ledger. `font`: the one of the settings, for a PDF.

    Raises `InvalidInput` for a format there is not, and what `pdf_of` raises.
    """
    if format not in FORMATS:
        raise InvalidInput(f"there is no format {format[:20]!r}; there are: {', '.join(FORMATS)}", field="format")
    kind = FORMATS[format]
    content = kind.make(stored, report, language, font)
    digest = hashlib.sha256(content).hexdigest()
    store.keep_file(connection, stored.id, language, format, digest)
    name = f"{stored.period.kind}-{stored.period.label}-r{stored.revision}-{language}.{kind.ending or format}"
    return File(name, kind.media_type, content, digest)
