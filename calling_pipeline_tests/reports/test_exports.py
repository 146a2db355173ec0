"""Large exports: whole or not offered, masked, counted, and gone when they expire."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.database import partitions
from calling_pipeline.errors import Busy, Conflict, Forbidden, InvalidInput, NotFound
from calling_pipeline.reports import making, periods
from calling_pipeline.reports.exports import asking, store
from calling_pipeline.reports.exports.records import Export
from calling_pipeline.reports.exports.writing import Place, remove_expired, write
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Role, Settings
from calling_pipeline_tests.console.test_phrases import in_chinese
from calling_pipeline_tests.reports.support import put_day
from calling_pipeline_tests.support import LIMIT_S, start_process, wait_until

NOW = dt.datetime(2026, 11, 23, 10, tzinfo=days.SHANGHAI)
KEY = b"k" * 32
ROWS = """
INSERT INTO call_records (
    id, date, called_at, call_state, duration_s, order_yuan, agent_id, task_name, phone_masked, province
)
SELECT
    9000000000000000000 + n, DATE '2026-11-20' + n % 2, TIMESTAMPTZ '2026-11-20 09:00+08' + n * INTERVAL '1 second',
    n % 3, n % 600, CASE WHEN n % 50 = 0 THEN 9 ELSE 0 END, 'agent' || n % 7, '=task',
    '138****' || lpad((n % 10000)::text, 4, '0'), '浙江'
FROM generate_series(1, :count) n
"""
KILLED = """
import os, sys
from calling_pipeline.reports.exports import writing
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from datetime import timedelta
from pathlib import Path
runtime = Runtime(load())
place = writing.Place(Path(sys.argv[1]), timedelta(hours=1), {})
def stop(rows, expected):
    print("begun", flush=True)
writing._NOTED_EVERY_S = 0.0
def rename(*_):
    print("renaming", flush=True)
    import time
    time.sleep(600)
os.replace = rename
writing.write(runtime.engine, runtime.transaction, int(sys.argv[2]), place, progress=stop)
"""


def put_records(connection: sa.Connection, count: int) -> None:
    """Call records of two days."""
    partitions.make(connection, "call_records", [dt.date(2026, 11, 20), dt.date(2026, 11, 21)])
    connection.execute(sa.text(ROWS), {"count": count})


@pytest.fixture(autouse=True)
def soon_after() -> None:
    """The days of the records are over and kept, whenever the test runs."""
    days.set_clock(days.clock_starting_at(NOW))


@pytest.fixture
def runtime(app_settings: Settings) -> Iterator[Runtime]:
    made = Runtime(app_settings)
    with made.transaction() as connection:
        put_records(connection, 2_500)
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "exports", dt.timedelta(hours=1), {"agent1": "王小明"})


def asked(runtime: Runtime, format: str = "csv.gz", by: str = "Li", **filters: str) -> int:
    wanted = asking.wanted_of("2026-11-20", "2026-11-21", format, "en", filters, oldest=dt.date(2026, 1, 1))
    with runtime.transaction() as connection:
        return asking.ask(connection, wanted, by=by).id


def made(runtime: Runtime, place: Place, export_id: int) -> Export:
    return write(runtime.engine, runtime.transaction, export_id, place)


def test_an_export_has_every_record_once_masked_and_counted(runtime: Runtime, place: Place) -> None:
    export = made(runtime, place, asked(runtime))
    path = place.folder / str(export.file)
    lines = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8-sig"))))

    assert (export.state, export.rows, export.expected, export.percent) == ("done", 2500, 2500, 100)
    assert len({line["Record"] for line in lines}) == 2500
    assert lines[0]["Record"] == "9000000000000000002"
    assert (lines[0]["Result"], lines[0]["Dialling task"], lines[0]["Called at"]) == (
        "connected",
        "'=task",
        "2026-11-20 09:00:02",
    )
    assert all("****" in line["Phone (masked)"] for line in lines)
    assert {line["Agent"] for line in lines} == {"", "王小明"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(place.folder) == [path.name]


def test_filters_narrow_and_a_sheet_has_the_same_rows(runtime: Runtime, place: Place) -> None:
    export = made(runtime, place, asked(runtime, "xlsx", agent_id="agent1", ordered="yes"))
    sheet = openpyxl.load_workbook(place.folder / str(export.file))["Call records"]
    with runtime.transaction() as connection:
        expected = connection.execute(
            sa.text("SELECT count(*) FROM call_records WHERE agent_id = 'agent1' AND order_yuan > 0")
        ).scalar_one()

    assert sheet.max_row == export.rows + 1 == expected + 1
    assert [cell.value for cell in sheet[2]][:2] == ["9000000000000000050", dt.datetime.fromisoformat("2026-11-20")]
    assert sheet["I2"].data_type == "s"


def test_the_same_records_are_the_same_bytes(runtime: Runtime, place: Place) -> None:
    assert made(runtime, place, asked(runtime)).digest == made(runtime, place, asked(runtime)).digest


def test_a_killed_writer_leaves_nothing_that_is_offered_and_the_next_begins_again(
    runtime: Runtime, place: Place, app_settings: Settings
) -> None:
    export_id = asked(runtime)
    url = runtime.database_url.render_as_string(hide_password=False)
    environment = {**os.environ, "CALLING_DATABASE_URL": url, "CALLING_HOME": str(app_settings.home)}
    command = [sys.executable, "-c", KILLED, str(place.folder), str(export_id)]
    process = start_process(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while (line := process.stdout.readline().strip()) != "renaming":
        assert line, "it has ended"
    with pytest.raises(Busy):
        made(runtime, place, export_id)
    process.kill()
    process.wait(LIMIT_S)

    with runtime.transaction() as connection:
        left = store.by_id(connection, export_id)
    with runtime.transaction() as connection, pytest.raises(Conflict, match="is not done"):
        asking.fetched(connection, export_id, caller("Li"), "", key=KEY, folder=place.folder)
    assert (left.state, left.file) == ("running", None)
    assert os.listdir(place.folder) == [f"export-{export_id}.csv.gz.part"]
    wait_until(lambda: _waiting(runtime) == [export_id])
    assert remove_expired(runtime.transaction, place.folder) == 1
    assert not os.listdir(place.folder)
    assert made(runtime, place, export_id).state == "done"


def test_an_export_whose_process_ends_again_and_again_fails(runtime: Runtime, place: Place) -> None:
    export_id = asked(runtime)
    with runtime.transaction() as connection:
        for _ in range(3):
            store.begin(connection, export_id, days.now())

    failed = made(runtime, place, export_id)

    assert (failed.state, failed.error) == ("failed", "its process ended 3 times before it was done")


def test_a_full_disk_fails_the_export_and_leaves_no_file(
    runtime: Runtime, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    failed = made(runtime, place, asked(runtime))

    assert failed.error == "the file cannot be written: No space left on device"
    assert not os.listdir(place.folder)


def test_only_who_asked_or_an_admin_fetches_it_by_a_whole_link_until_it_expires(runtime: Runtime, place: Place) -> None:
    export = made(runtime, place, asked(runtime))
    secret = asking.link_secret(export, KEY)

    def fetch(who: Caller, given: str = secret) -> Path:
        with runtime.transaction() as connection:
            return asking.fetched(connection, export.id, who, given, key=KEY, folder=place.folder)[1]

    assert fetch(caller("Li")) == fetch(caller("Chen", role="admin")) == place.folder / str(export.file)
    with pytest.raises(NotFound, match=f"there is no export {export.id}"):
        fetch(caller("Chen"))
    with pytest.raises(Forbidden, match="this link is not whole"):
        fetch(caller("Li"), secret[:-1] + "x")
    with pytest.raises(Forbidden, match="this needs the role operator"):
        fetch(caller("Li", role="viewer"))
    with runtime.transaction() as connection:
        connection.execute(sa.text("UPDATE exports SET expires_at = '2026-11-22 10:00+08'"))
        late = store.by_id(connection, export.id)
    with pytest.raises(NotFound, match="no longer kept"):
        fetch(caller("Li"), asking.link_secret(late, KEY))
    assert remove_expired(runtime.transaction, place.folder) == 1
    with runtime.transaction() as connection:
        assert store.by_id(connection, export.id).state == "removed"
        acts = connection.execute(sa.text("SELECT act, person FROM audit_log ORDER BY id")).all()
    assert [tuple(act) for act in acts] == [("export.ask", "Li"), ("export.download", "Li"), ("export.download", "Chen")]
    assert not os.listdir(place.folder)


def test_nobody_has_more_than_three_exports_still_to_be_written(runtime: Runtime) -> None:
    for _ in range(3):
        asked(runtime)

    with pytest.raises(Conflict, match="3 exports of yours are still to be written"):
        asked(runtime)
    assert asked(runtime, by="Chen")


@pytest.mark.parametrize(
    "sentence",
    [
        "3 exports of yours are still to be written; ask again when one is done",
        "there is no export 7",
        "export 7 is not done: 40 % are written",
        "export 7 failed: the file cannot be written: No space left on device",
        "export 7 failed: its process ended 3 times before it was done",
        "this link is not whole; take it from the list of exports",
        "the file of export 7 is no longer kept; ask for it again",
        "2 documents are being made already; ask again in a moment",
        "the document was not ready within 30 s and was stopped; ask for a shorter period",
        "there is no revision 7 of the daily report of 2026-11-29",
    ],
)
def test_what_refuses_a_file_is_said_in_chinese(sentence: str) -> None:
    in_chinese(sentence)


@pytest.mark.parametrize(
    ("first", "last", "format", "filters", "sentence"),
    [
        ("2026-11-21", "2026-11-20", "xlsx", {}, "no range of days up to today"),
        ("2026-09-01", "2026-10-02", "xlsx", {}, "31 days at most; these are 32"),
        ("2025-12-31", "2026-01-02", "xlsx", {}, "kept from 2026-01-01 on"),
        ("2026-11-20", "2026-11-20", "pdf", {}, "there is no format 'pdf'"),
        ("2026-11-20", "2026-11-20", "xlsx", {"phone": "1"}, "there is no filter 'phone'"),
        ("2026-11-20", "2026-11-20", "xlsx", {"connected": "1"}, "connected is yes or no"),
        ("2026-11-20", "2026-11-20", "xlsx", {"province": "\x00"}, "no null character"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_both_languages(
    first: str, last: str, format: str, filters: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        asking.wanted_of(first, last, format, "zh", filters, oldest=dt.date(2026, 1, 1))
    in_chinese(str(refused.value))


def caller(name: str, role: Role = "operator") -> Caller:
    return Caller(role=role, tenant=None, name=name)


def _waiting(runtime: Runtime) -> list[int]:
    with runtime.transaction() as connection:
        return [one.id for one in store.waiting(connection)]


def test_the_workbook_of_a_report_has_its_sections_and_the_rows_of_its_days(runtime: Runtime, place: Place) -> None:
    day = periods.containing("daily", dt.date(2026, 11, 20))
    with runtime.transaction() as connection:
        put_day(connection, day.first, calls=1250)
        report = making.make(connection, day, by="Li", deadline_h=10, agent_names={}, reason="asked")
        assert report.stored is not None
        wanted = asking.wanted_of_report(report.stored, "en", oldest=day.first)
        export = asking.ask(connection, wanted, by="Li")
        with pytest.raises(InvalidInput, match="are kept from 2026-11-21 on"):
            asking.wanted_of_report(report.stored, "en", oldest=dt.date(2026, 11, 21))
    done = made(runtime, place, export.id)
    assert (done.state, done.rows, done.name) == (
        "done",
        1250,
        f"report_{report.stored.id}_with_call_records_{export.id}.xlsx",
    )
    book = openpyxl.load_workbook(place.folder / (done.file or ""), read_only=True)
    assert {"Summary", "Agents", "Proof", "Call records"} <= set(book.sheetnames)
    rows = list(book["Call records"].iter_rows(values_only=True))
    assert len(rows) == 1251
    assert all(str(row[10]).startswith("138****") for row in rows[1:])
