"""The files of a report: one control code on all of them, and their digests in the ledger."""

from __future__ import annotations

import hashlib
import io

import openpyxl
import pypdf
import sqlalchemy as sa

from calling_pipeline.reports import store
from calling_pipeline.reports.downloads import FORMATS, File, file_of
from calling_pipeline.reports.facts import digest_of
from calling_pipeline_tests.reports.samples import sample
from calling_pipeline_tests.reports.test_excel import unpacked


def test_every_file_of_a_report_shows_its_code_and_leaves_its_digest_in_the_ledger(engine: sa.Engine) -> None:
    report = sample("weekly")
    with engine.begin() as connection:
        stored = store.insert_report(
            connection, report, digest=digest_of(report), sources={}, changes=(), made_by="test", reason=""
        )
    with engine.begin() as connection:
        again, read = store.by_id(connection, stored.id)
        files = {name: file_of(connection, again, read, "en", name) for name in FORMATS}
        kept = {one["format"]: one["digest"] for one in store.files_of(connection, stored.id)}

    assert kept == {name: hashlib.sha256(file.content).hexdigest() for name, file in files.items()}
    assert [name for name, file in files.items() if report.control_code not in _text(name, file)] == []
    assert files["csv"].name == "weekly-2026-W48-r1-en.csv.zip"


def _text(name: str, file: File) -> str:
    match name:
        case "pdf":
            return pypdf.PdfReader(io.BytesIO(file.content)).pages[0].extract_text()
        case "xlsx":
            book = openpyxl.load_workbook(io.BytesIO(file.content))
            return " ".join(str(cell.value) for row in book["Proof"].iter_rows() for cell in row)
        case "csv":
            return unpacked(file.content)["control.csv"]
        case _:
            return file.content.decode()
