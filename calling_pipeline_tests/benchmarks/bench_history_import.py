"""A call history of a million numbers is imported from a CSV, against a bare COPY and one INSERT of the same rows.

Spellings are mixed: clean, with a country code, with separators, full-width, and one line in fifty without a number. The
baseline reads no file and judges nothing: it gets lines that are ready for COPY. `CALLING_BENCH_HISTORY_FACTOR=0.01` tries
it with fewer rows.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_batches.history.files import read_file
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import ImportReport
from calling_pipeline.database.bulk import copy_stream
from calling_pipeline.database.engine import make_engine
from calling_pipeline_tests.benchmarks.support import database

FACTOR = float(os.environ.get("CALLING_BENCH_HISTORY_FACTOR", "1"))
ROWS = int(1_000_000 * FACTOR)
MOST_S = 20.0
_PREFIXES = ("138", "139", "150", "151", "186", "187", "188", "133", "199", "177")
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_TIME = "2026-06-{:02d} 10:{:02d}:00"


def run() -> Iterator[dict[str, Any]]:
    """Seconds of the first import and of the same file again, and the ratio to the baseline."""
    with database() as url, tempfile.TemporaryDirectory() as folder:
        engine = make_engine(url)
        file = Path(folder) / "old.csv"
        _write(file)
        bare = _bare(engine)
        first, report = _import(engine, file)
        again, repeated = _import(engine, file)
        engine.dispose()
        assert report.adds_up
        assert (report.new, repeated.taken) == (ROWS - ROWS // 50, 0)
        yield {"name": "history_import", "what": "import", "rows": ROWS, "value": round(first, 2), "unit": "s",
               "baseline_s": round(bare, 2), "ratio": round(first / bare, 2), "goal": MOST_S,
               "met": first <= MOST_S * max(FACTOR, 0.1)}  # fmt: skip
        yield {"name": "history_import", "what": "the same file again", "rows": ROWS, "value": round(again, 2), "unit": "s"}


def _phone(n: int) -> str:
    return _PREFIXES[n % 10] + f"{n * 7919 % 100_000_000:08d}"


def _spelling(n: int) -> str:
    phone = _phone(n)
    match n % 50:
        case 0:
            return "138****0000"
        case 1 | 2 | 3:
            return "+86" + phone
        case 4 | 5:
            return f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
        case 6:
            return phone.translate(_WIDE)
        case 7:
            return phone + ".0"
    return phone


def _write(file: Path) -> None:
    with file.open("w", encoding="utf-8") as target:
        target.write("mobile_phone,last_called_at,calls,staff_name,sys_name,order_type,order_nums\n")
        for n in range(ROWS):
            at = _TIME.format(1 + n % 28, n % 60)
            target.write(f"{_spelling(n)},{at},{1 + n % 3},staff {n % 500},CRM,new,{n % 9}\n")


def _import(engine: sa.Engine, file: Path) -> tuple[float, ImportReport]:
    begun = time.perf_counter()
    with engine.begin() as connection:
        report = import_history(connection, read_file(file), source="bench", by="bench")
    return time.perf_counter() - begun, report


def _bare(engine: sa.Engine) -> float:
    """COPY into a temporary table and one INSERT into a table like the history, of clean numbers."""
    lines = "".join(
        f"{_phone(n)}\t{_TIME.format(1 + n % 28, n % 60)}\t{1 + n % 3}\tstaff {n % 500}\tCRM\tnew\t{n % 9}\n"
        for n in range(ROWS)
        if n % 50
    )
    columns = ("phone", "at", "calls", "staff_name", "sys_name", "order_type", "order_nums")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE bare (LIKE call_history INCLUDING ALL)")
    begun = time.perf_counter()
    with engine.begin() as connection:
        connection.exec_driver_sql(
            'CREATE TEMPORARY TABLE lines (phone text COLLATE "C", at timestamptz, calls integer, staff_name text,'
            " sys_name text, order_type text, order_nums integer) ON COMMIT DROP"
        )
        with copy_stream(connection, "lines", columns) as write:
            write(lines)
        connection.exec_driver_sql(
            "INSERT INTO bare (phone, first_called_at, last_called_at, calls, imported_calls, staff_name, sys_name,"
            " order_type, order_nums) SELECT phone, at, at, calls, calls, staff_name, sys_name, order_type, order_nums"
            " FROM lines ON CONFLICT (phone) DO NOTHING"
        )
    return time.perf_counter() - begun
