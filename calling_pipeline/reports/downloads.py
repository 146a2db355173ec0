"""A report as a file: every door asks here. The bytes are made of the stored facts, and their digest is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline.access.people.records import Language
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import store, views
from calling_pipeline.reports.records import Report, Stored


@dataclass(frozen=True)
class Format:
    """How a file of a report is made, and what it is to a browser."""

    media_type: str
    make: Callable[[Stored, Report, Language], bytes]


@dataclass(frozen=True)
class File:
    """A file of a report. `digest` is the SHA-256 of its bytes."""

    name: str
    media_type: str
    content: bytes
    digest: str


def _json(stored: Stored, report: Report, _language: Language) -> bytes:
    return json.dumps(views.document(stored, report), ensure_ascii=False, indent=1, default=_plain).encode()


def _plain(value: Any) -> str:
    return str(value.isoformat())


FORMATS: Mapping[str, Format] = {"json": Format("application/json", _json)}
"""By the ending of the file's name."""


def file_of(connection: sa.Connection, stored: Stored, report: Report, language: Language, format: str) -> File:
    """The report as a file, its digest kept in the ledger. Raises `InvalidInput` for a format there is not."""
    if format not in FORMATS:
        raise InvalidInput(f"there is no format {format[:20]!r}; there are: {', '.join(FORMATS)}", field="format")
    kind = FORMATS[format]
    content = kind.make(stored, report, language)
    digest = hashlib.sha256(content).hexdigest()
    store.keep_file(connection, stored.id, language, format, digest)
    name = f"{stored.period.kind}-{stored.period.label}-r{stored.revision}-{language}.{format}"
    return File(name, kind.media_type, content, digest)
