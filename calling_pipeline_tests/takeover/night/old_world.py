"""What the old centre knew: numbers in every spelling, half-done batches, lists that contradict each other, files."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from calling_pipeline_tests.notifications.world import row as ledger_row
from calling_pipeline_tests.notifications.world import write_ledger
from calling_pipeline_tests.takeover.old_system import phone, spelled

BEGIN = dt.datetime(2026, 6, 1, 9, 0, 0)  # noqa: DTZ001 - as MySQL keeps it
HALF_DONE, NEVER_BEGUN, OF_A_BATCH = 10, 10, 500
BLOCKED = [phone(91_000_000 + n) for n in range(5000)]
NEW = [phone(70_000_000 + n) for n in range(40_000)]
"""Work orders' numbers that the old centre has not called."""
Rows = Iterator[tuple[Any, ...]]


def may_have_been() -> list[str]:
    """Numbers of batches that were begun and not ended."""
    return [phone(50_000_000 + n) for n in range(HALF_DONE * OF_A_BATCH)]


def never_begun() -> list[str]:
    """Numbers of batches that were planned alone."""
    return [phone(60_000_000 + n) for n in range(NEVER_BEGUN * OF_A_BATCH)]


def tables(history: int) -> Mapping[str, tuple[str, Rows]]:
    """Old table → the names of its columns with blanks between them, and its rows."""
    return {
        "call_history": ("mobile_phone staff_name sys_name order_type order_nums updated_time", _history(history)),
        "call_log": ("mobile_phone status call_time", _log(history)),
        "call_tasks": ("batch_id mobile_phone status updated_time", _batches()),
        "task_stats_cache": (
            "date total_tasks callout_number called_number success_number connected_rate calculated_at sync_type",
            ((_day(n), 3, 1000 + n, 400, 70, 40.0 if n else 39.0, _at(n), "historical") for n in range(170)),
        ),
        "grade_stats_cache": (
            "date grade_9 grade_1 total_success total_records calculated_at sync_type",
            ((_day(n), 40, 30, 70 if n else 71, 1000 + n, _at(n), "historical") for n in range(170)),
        ),
        "usage": ("user_id details", _usage()),
        "infinity_call_configs": (
            "id tenant_id config_name api_url app_id access_token customer_number max_concurrent_calls is_active",
            ((n, tenant, f"线路{n}", "https://infinity.example/api", f"app{n}", f"old-access-key-{n}", "", 30, 1)
             for n, tenant in ((7, 1), (8, 2), (9, 2))),
        ),
        "infinity_extension_pool": (
            "tenant_id config_id infinity_extension_number status",
            ((1 + n // 50, 7 + n // 50 if n < 99 else 99, str(1000 + n % 50), ("AVAILABLE", "IN_USE", "OFFLINE")[n % 3])
             for n in range(100)),
        ),
        "collectors": (
            "tenant_id collector_name callback_number is_active",
            ((1 + n % 2, f"催收员{n}", f"137{n:08d}" if n % 20 else "无", n % 7 > 0) for n in range(80)),
        ),
        "blacklist": ("phone source remark expire_time", _blocked()),
        "communication_records": (
            "tenant_id config_id collector_id infinity_extension_number contact_person_phone call_uuid "
            "contacted_at call_duration is_connected call_record_url contact_result",
            ((1, 7, 1 + n % 80, str(1000 + n % 50), phone(80_000_000 + n), f"uuid-{n}", _at(n % 170), n % 90, n % 3 > 0,
              f"https://old.example/{n}.mp3", "承诺还款") for n in range(20_000)),
        ),
    }  # fmt: skip


def _history(history: int) -> Rows:
    for n in range(history):
        at = BEGIN + dt.timedelta(seconds=40 * n)
        yield spelled(n), f"员工{n % 30}", "CRM", ("新装", "维修")[n % 2], n % 5, at
        if n % 50 == 3:  # again, in another spelling and at another time
            number = phone(n)
            yield f"{number[:3]}-{number[3:7]}-{number[7:]}", f"员工{n % 30}", "ERP", "新装", 1, at + dt.timedelta(days=1)
        if n % 1000 == 5:
            yield (f"坏号码{n}", f"1390000{n:06d}", f"021-6{n:07d}")[n // 1000 % 3], None, None, None, None, at
        if n % 10_000 == 9:
            yield phone(95_000_000 + n), None, None, None, None, None  # called, and nobody knows when
    yield "", None, None, None, None, BEGIN


def _log(history: int) -> Rows:
    for n in range(0, history, 3):
        yield phone(n), ("pushed", "success", "refused")[n // 3 % 3], BEGIN + dt.timedelta(seconds=40 * n)


def _batches() -> Rows:
    for n, number in enumerate(may_have_been()):
        place = n % OF_A_BATCH
        yield f"b{n // OF_A_BATCH}", number, "pushed" if place < 250 else "pushing" if place < 255 else "pending", _at(169)
    for n, number in enumerate(never_begun()):
        yield f"n{n // OF_A_BATCH}", f"+86 {number}", "pending", _at(169)


def _usage() -> Rows:
    for n in range(500):
        done = {"taskId": f"t-{n}", "status": "completed", "feature": "poster", "credits": 3, "updatedAt": str(_at(n % 170))}
        yield f"u{n}", json.dumps({"tasks": [done, {**done, "status": "pending"}] if n % 10 == 0 else [done]})
    yield "broken", "not json"


def _blocked() -> Rows:
    for n, number in enumerate(BLOCKED):
        yield number, ("投诉", "工信部")[n % 2], f"编号{n}", None if n % 4 else dt.datetime(2027, 6, 1)  # noqa: DTZ001
        if n % 25 == 0:
            yield f"+86-{number}", ("投诉", "工信部")[n % 2], "", dt.datetime(2026, 12, 31)  # noqa: DTZ001
    yield phone(92_000_000), "投诉", "过期", dt.datetime(2025, 1, 1)  # noqa: DTZ001
    yield "空号", "投诉", "", None


def _day(n: int) -> dt.date:
    return BEGIN.date() + dt.timedelta(days=n)


def _at(n: int) -> dt.datetime:
    return BEGIN + dt.timedelta(days=n)


def files(folder: Path) -> None:
    """400 contracts in two ledgers, what send_status, tasks.db and the technicians' file say of them."""
    numbers = range(1, 401)
    for city, chosen in (("北京", numbers[:200]), ("上海", numbers[200:])):
        rows = [ledger_row(n, notified="Y" if n % 4 else "N", city=city) for n in chosen]
        write_ledger(folder / f"contracts-{'bj' if city == '北京' else 'sh'}-2026-11.csv", rows)
    said = {f"id-{n}": "发送成功" if n % 4 and n % 50 != 1 else "未发送" for n in numbers if n % 90 != 2}
    said |= {"id-8": "发送成功", "id-9999": "发送成功"}  # the ledger says N; no ledger has it
    (folder / "send_status.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    changes = {f"change-{n}": "发送成功" for n in range(200)}
    (folder / "technician_send_status.json").write_text(json.dumps(changes, ensure_ascii=False), encoding="utf-8")


def task_file(path: Path) -> None:
    """The old table of messages. Of contract 12 it says completed, where ledger and send_status say nothing was sent."""
    connection = sqlite3.connect(path)
    columns = "task_type, recipient, message, status, metadata, created_at, updated_at"
    connection.execute(f"CREATE TABLE tasks (id INTEGER PRIMARY KEY, {columns})")
    chosen = [(n, "completed" if n % 4 or n == 12 else "pending") for n in range(1, 401) if n % 4 or n in (4, 12)]
    at = str(_at(100))
    rows = [(n, "group", "北京", "开工", state, json.dumps({"contract_id": f"id-{n}"}), at, at) for n, state in chosen]
    connection.executemany("INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
