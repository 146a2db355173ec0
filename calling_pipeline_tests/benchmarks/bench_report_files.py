"""Files of reports: a daily report as PDF and Excel, raw rows beside bare XlsxWriter, and a large export.

30 days × 200,000 call records, 200 agents; 200,000 raw rows; 1,000,000 records exported.
`CALLING_BENCH_REPORT_FILES_FACTOR` (1.0) makes the rows fewer for a try. Each figure is taken in a process of its own.
`peak_mb` is the peak memory of the process that makes the file, libraries and all; typst works in a process of its own, and
the larger of the two counts.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import xlsxwriter
from sqlalchemy.engine import URL, make_url

from calling_pipeline import days
from calling_pipeline.database import partitions
from calling_pipeline.database.engine import make_engine
from calling_pipeline.reports import making, periods, store
from calling_pipeline.reports.downloads import file_of
from calling_pipeline.reports.exports import asking
from calling_pipeline.reports.exports.columns import COLUMNS, cells_of, heads_of
from calling_pipeline.reports.exports.writing import Place, write
from calling_pipeline.reports.files.excel import Raw, write_raw
from calling_pipeline_tests.benchmarks.bench_reports import fill
from calling_pipeline_tests.benchmarks.support import database
from calling_pipeline_tests.reports.support import SUNDAY, morning_after

FACTOR = float(os.environ.get("CALLING_BENCH_REPORT_FILES_FACTOR", "1.0"))
RAW_ROWS, EXPORTED = int(200_000 * FACTOR), int(1_000_000 * FACTOR)
EXPORT_DAYS, RUNS = 5, 5
LIMITS = {"pdf": 2.0, "xlsx": 3.0}
MOST_MB, MOST_RATIO = 200.0, 1.1
PHONE_MASKED = "138****0007"
_RECORDS = sa.text("""
INSERT INTO call_records (
    id, date, called_at, call_state, duration_s, order_yuan, agent_id, task_name, line_name, phone_masked, hangup_reason,
    province, city
)
SELECT
    9000000000000000000 + n, CAST(:day AS date), CAST(:day AS date) + n * INTERVAL '0.2 second', n % 3, n % 600,
    CASE WHEN n % 50 = 0 THEN 9 ELSE 0 END, 'agent' || n % 200, 'task ' || n % 20, 'line ' || n % 40,
    '138****' || lpad((n % 10000)::text, 4, '0'), 'hung up by the callee', '浙江', '杭州'
FROM generate_series(CAST(:begin AS bigint), CAST(:end AS bigint)) n
""")


def run() -> Iterator[dict[str, Any]]:
    """Seconds and peak memory of each file."""
    yield from _raw_rows()
    with database() as url, days.frozen(morning_after(SUNDAY)):
        engine = make_engine(url)
        with engine.begin() as connection:
            fill(connection)
            period = periods.containing("daily", SUNDAY)
            making.make(connection, period, by="benchmark", deadline_h=10.0, agent_names={}, reason=None)
        for format, limit in LIMITS.items():
            found = _in_its_own_process("daily", url, format)
            right = found["seconds"] <= limit and found["peak_mb"] <= MOST_MB
            yield _line(f"the daily report as {format}", found, right, limit_s=limit, limit_mb=MOST_MB)
        with engine.begin() as connection:
            _put_records(connection)
        engine.dispose()
        found = _in_its_own_process("export", url, "csv.gz")
        yield _line("export of call records as csv.gz", found, found["peak_mb"] <= MOST_MB, limit_mb=MOST_MB)


def _raw_rows() -> Iterator[dict[str, Any]]:
    """Ours and the bare library in turn, so that both have the same machine."""
    ours, bare = [], []
    for _ in range(RUNS):
        ours.append(_in_its_own_process("raw"))
        bare.append(_in_its_own_process("bare"))
    found, other = _median(ours), _median(bare)
    ratio = round(found["seconds"] / other["seconds"], 3)
    yield _line(
        "raw rows as Excel", {**found, "bare": other, "ratio": ratio}, ratio <= MOST_RATIO and found["peak_mb"] <= MOST_MB,
        limit_ratio=MOST_RATIO, limit_mb=MOST_MB,
    )  # fmt: skip


def _median(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {**found[0], **{name: statistics.median(one[name] for one in found) for name in ("seconds", "peak_mb")}}


def _put_records(connection: sa.Connection) -> None:
    each = EXPORTED // EXPORT_DAYS
    for place in range(EXPORT_DAYS):
        day = SUNDAY - dt.timedelta(days=place)
        partitions.make(connection, "call_records", [day])
        connection.execute(_RECORDS, {"day": day, "begin": place * each + 1, "end": (place + 1) * each})


def _line(what: str, found: Mapping[str, Any], right: bool, **limits: float) -> dict[str, Any]:
    return {"benchmark": "report_files", "what": what, **found, **limits, "reached": right}


def _in_its_own_process(act: str, url: URL | None = None, format: str = "") -> dict[str, Any]:
    command = [sys.executable, "-m", __name__, act, format]
    shown = url.render_as_string(hide_password=False) if url else ""
    done = subprocess.run(command, env={**os.environ, "BENCH_URL": shown}, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _daily(format: str) -> dict[str, Any]:
    engine = make_engine(make_url(os.environ["BENCH_URL"]))
    times, size = [], 0
    for _ in range(RUNS):
        begun = time.perf_counter()
        with engine.begin() as connection:
            stored, report = store.read(connection, periods.containing("daily", SUNDAY), None)
            size = len(file_of(connection, stored, report, "zh", format).content)
        times.append(time.perf_counter() - begun)
    engine.dispose()
    return {"bytes": size, "seconds": round(statistics.median(times), 3)}


def _export(format: str) -> dict[str, Any]:
    engine = make_engine(make_url(os.environ["BENCH_URL"]))
    first = SUNDAY - dt.timedelta(days=EXPORT_DAYS - 1)
    with days.frozen(morning_after(SUNDAY)), tempfile.TemporaryDirectory() as folder:
        wanted = asking.wanted_of(first.isoformat(), SUNDAY.isoformat(), format, "zh", {}, oldest=first)
        with engine.begin() as connection:
            export = asking.ask(connection, wanted, by="benchmark")
        begun = time.perf_counter()
        done = write(engine, engine.begin, export.id, Place(Path(folder), dt.timedelta(hours=1), {}))
        seconds = time.perf_counter() - begun
    engine.dispose()
    assert (done.state, done.rows) == ("done", EXPORTED // EXPORT_DAYS * EXPORT_DAYS)
    return {"records": done.rows, "bytes": done.bytes, "seconds": round(seconds, 2)}


def _raw(_format: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return _timed(
            Path(folder) / "ours.xlsx",
            lambda file: write_raw(
                Raw("call_records", COLUMNS, _rows()), "en", file, title="raw", created=morning_after(SUNDAY), folder=folder
            ),
        )


def _bare(_format: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return _timed(Path(folder) / "bare.xlsx", lambda file: _write_bare(file, folder))


def _timed(path: Path, act: Callable[[Any], None]) -> dict[str, Any]:
    begun = time.perf_counter()
    with path.open("wb") as file:
        act(file)
    return {"rows": RAW_ROWS, "bytes": path.stat().st_size, "seconds": round(time.perf_counter() - begun, 3)}


def _write_bare(file: Any, folder: str) -> None:
    """The same cells as the library's own documentation writes them; safe against formulas and links by its options."""
    options = {
        "constant_memory": True, "tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False, "remove_timezone": True,
    }  # fmt: skip
    book = xlsxwriter.Workbook(file, options)
    forms = {name: book.add_format({"num_format": name}) for name in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "[h]:mm:ss", "@")}
    kinds = {"day": "yyyy-mm-dd", "moment": "yyyy-mm-dd hh:mm:ss", "seconds": "[h]:mm:ss", "text": "@"}
    used = [forms.get(kinds.get(column.kind, "")) for column in COLUMNS]
    sheet = book.add_worksheet("Call records")
    sheet.write_row(0, 0, heads_of("en"))
    for row, line in enumerate(_rows(), start=1):
        for place, value in enumerate(line):
            sheet.write(row, place, value, used[place])
    book.close()


def _rows() -> Iterator[Sequence[Any]]:
    """Call records as the database answers them."""
    called = dt.datetime.combine(SUNDAY, dt.time(9), days.SHANGHAI)
    for number in range(RAW_ROWS):
        row = (
            9_000_000_000_000_000_000 + number, SUNDAY, called + dt.timedelta(seconds=number % 36_000), number % 3,
            number % 600, 9 if number % 50 == 0 else 0, f"agent{number % 200}", f"task {number % 20}", "line",
            PHONE_MASKED, "hung up by the callee", "浙江", "杭州",
        )  # fmt: skip
        yield cells_of(row, "en", {})


def _peak_mb() -> float:
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


_ACTS: Mapping[str, Callable[[str], dict[str, Any]]] = {"daily": _daily, "export": _export, "raw": _raw, "bare": _bare}

if __name__ == "__main__":
    print(json.dumps({**_ACTS[sys.argv[1]](sys.argv[2]), "peak_mb": round(_peak_mb(), 1)}))
