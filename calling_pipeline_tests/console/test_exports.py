"""The page of large exports: asking, how far it is, and a file that only its owner fetches."""

from __future__ import annotations

import gzip
import re

import pytest

from calling_pipeline import days
from calling_pipeline.reports.exports.dependencies import place_of
from calling_pipeline.reports.exports.writing import write
from calling_pipeline_tests.reports.test_exports import NOW, put_records
from calling_pipeline_tests.support import wait_until

WANTED = {"first": "2026-11-20", "last": "2026-11-21", "format": "csv.gz", "province": "<script>"}


@pytest.fixture(autouse=True)
def records(console):
    days.set_clock(days.clock_starting_at(NOW))
    with console.runtime.transaction() as connection:
        put_records(connection, 30)


def test_an_export_is_asked_for_waits_and_is_fetched_by_its_owner_alone(console, as_role):
    client, other = as_role("operator"), as_role("viewer")
    assert other.get("/exports").status_code == 403
    assert "还没有导出" in client.get("/exports").text

    asked = client.post("/exports", data=WANTED)
    assert asked.status_code == 303
    page = client.get("/exports").text
    assert "&lt;script&gt;" in page
    assert "排队中" in page

    done = write(console.runtime.engine, console.runtime.transaction, 1, place_of(console.runtime))
    assert done.state == "done"
    link = wait_until(lambda: re.search(r'href="(/exports/1/file\?key=\w+)"', client.get("/exports/live").text))
    file = client.get(link[1])
    assert file.status_code == 200
    assert file.headers["x-digest"] == done.digest
    assert "Record" not in gzip.decompress(file.content).decode("utf-8-sig")
    assert client.get(f"{link[1]}x").status_code == 403
    assert client.get("/exports/x/file").status_code == 404
