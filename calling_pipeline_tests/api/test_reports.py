"""A report's file over HTTP: every format carries the code of the same facts, its digest, and who took it is noted."""

import csv
import hashlib
import io
import zipfile

import openpyxl
import pypdf
import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline_tests.reports.support import SUNDAY, make, morning_after, put_day

FILE = f"/api/v1/reports/daily/{SUNDAY}/file"


@pytest.fixture(autouse=True)
def report(api_runtime):
    days.set_clock(days.clock_starting_at(morning_after(SUNDAY)))
    with api_runtime.engine.begin() as connection:
        put_day(connection, SUNDAY)
    return make(api_runtime.engine, SUNDAY).stored


def test_every_file_of_a_report_carries_the_code_that_its_facts_have(viewer, api_runtime):
    facts = viewer.get(f"/api/v1/reports/daily/{SUNDAY}").json()["data"]
    code = facts["control_code"]
    answers = {
        format: viewer.get(FILE, params={"format": format, "language": "en"}) for format in ("pdf", "xlsx", "csv", "json")
    }

    assert {one.status_code for one in answers.values()} == {200}
    assert f"Control code {code}" in " ".join(_pdf(answers["pdf"].content).split())
    assert ["Control code", code] in _sheet(answers["xlsx"].content)
    assert ["Control code", code] in _csv(answers["csv"].content)
    assert answers["json"].json()["control_code"] == code
    for one in answers.values():
        assert one.headers["x-digest"] == hashlib.sha256(one.content).hexdigest()
    with api_runtime.engine.connect() as connection:
        taken = connection.scalars(sa.text("SELECT after ->> 'file' FROM audit_log WHERE act = 'report.download'")).all()
        kept = connection.execute(sa.text("SELECT format, digest FROM report_files")).all()
    assert sorted(taken) == [f"daily-{SUNDAY}-r1-en.{ending}" for ending in ("csv.zip", "json", "pdf", "xlsx")]
    assert dict(map(tuple, kept)) == {name: one.headers["x-digest"] for name, one in answers.items()}


def test_a_format_or_a_report_that_there_is_not_is_named(viewer):
    refused = viewer.get(FILE, params={"format": "doc"})
    missing = viewer.get(FILE.replace("-29", "-28"), params={"format": "pdf"})

    assert (refused.status_code, missing.status_code) == (422, 404)
    assert "there is no format 'doc'; there are: pdf, xlsx, csv, json" in refused.text


def _pdf(content):
    return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def _sheet(content):
    return [[cell.value for cell in row[:2]] for row in openpyxl.load_workbook(io.BytesIO(content))["Proof"].iter_rows()]


def _csv(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return list(csv.reader(io.StringIO(archive.read("control.csv").decode("utf-8-sig"))))
