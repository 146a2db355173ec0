"""An old system to take over: its tables in a database or as CSV files, small by default, with all that is wrong with it."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from calling_pipeline_tests.notifications.world import row as ledger_row
from calling_pipeline_tests.notifications.world import write_ledger

T0 = dt.datetime(2026, 11, 1, 9, 0, 0)  # noqa: DTZ001 - as MySQL keeps it
SECRET = "old-access-key-of-tenant-1"
SPELLINGS = ("{}", "+86{}", "86-{}", "{} ", "0{}", "\t{}", "{}.0")
"""How a mobile number is written in the old tables."""


USED = [
    {"taskId": "t-1", "status": "completed", "feature": "poster", "credits": 3, "updatedAt": "2026-10-05 10:00:00"},
    {"taskId": "t-1", "status": "pending", "feature": "poster", "credits": 3},
    {"taskId": "t-2", "status": "pending"},
]
"""Tasks of one user's `usage.details`."""


def phone(number: int) -> str:
    return f"139{number:08d}"


def spelled(number: int) -> str:
    return SPELLINGS[number % len(SPELLINGS)].format(phone(number))


def tables(history: int = 20) -> dict[str, list[dict[str, Any]]]:
    """Every old table with its rows. `history`: numbers that were called."""
    called = [
        {"mobile_phone": spelled(n), "staff_name": f"员工{n % 3}", "sys_name": "CRM", "order_type": "新装",
         "order_nums": n % 5, "updated_time": T0 + dt.timedelta(seconds=n)}
        for n in range(history)
    ]  # fmt: skip
    called += [
        {**called[1], "mobile_phone": f"{phone(1)[:3]} {phone(1)[3:]}", "updated_time": T0 + dt.timedelta(days=2)},
        {**called[0], "mobile_phone": "无", "updated_time": T0},
        {**called[0], "mobile_phone": "", "updated_time": T0},
    ]
    half_done = [
        ("b1", "pushed"),
        ("b1", "pushing"),
        ("b1", "pending"),
        ("b2", "pending"),
        ("b2", "pending"),
        ("b1", "cancelled"),
    ]
    return {
        "call_history": called,
        "call_tasks": [
            {"id": n, "batch_id": batch, "mobile_phone": phone(500_000 + n), "status": status, "updated_time": T0}
            for n, (batch, status) in enumerate(half_done)
        ],
        "task_stats_cache": [
            {"id": 1, "date": "2026-10-01", "total_tasks": 3, "callout_number": 100, "called_number": 40,
             "success_number": 7, "connected_rate": 40.0, "calculated_at": "2026-10-02 07:00:00", "sync_type": "historical"},
        ],
        "grade_stats_cache": [
            {"id": 1, "date": "2026-10-01", "grade_9": 4, "grade_1": 3, "total_success": 7, "total_records": 100,
             "calculated_at": "2026-10-02 07:05:00", "sync_type": "historical"},
            {"id": 2, "date": "2026-10-02", "grade_9": 4, "grade_1": 3, "total_success": 9, "total_records": 100,
             "calculated_at": "2026-10-03 07:05:00", "sync_type": "historical"},
        ],
        "usage": [
            {"user_id": "u1", "details": json.dumps({"tasks": USED})},
            {"user_id": "u2", "details": "not json"},
        ],
        "infinity_call_configs": [
            {"id": 7, "tenant_id": 1, "config_name": "主线路", "api_url": "https://infinity.example/api", "app_id": "app1",
             "access_token": SECRET, "customer_number": "", "max_concurrent_calls": 10, "is_active": 1},
            {"id": 8, "tenant_id": 2, "config_name": "二线路", "api_url": "https://infinity.example/api", "app_id": "app2",
             "access_token": "old-access-key-of-tenant-2", "customer_number": "02110000", "max_concurrent_calls": 10,
             "is_active": 1},
        ],
        "infinity_extension_pool": [
            {"id": 1, "tenant_id": 1, "config_id": 7, "infinity_extension_number": "1001", "status": "AVAILABLE"},
            {"id": 2, "tenant_id": 1, "config_id": 7, "infinity_extension_number": "1002", "status": "OFFLINE"},
            {"id": 3, "tenant_id": 2, "config_id": 8, "infinity_extension_number": "1001", "status": "IN_USE"},
            {"id": 4, "tenant_id": 3, "config_id": 99, "infinity_extension_number": "1003", "status": "AVAILABLE"},
        ],
        "collectors": [
            {"id": 11, "tenant_id": 1, "collector_name": "王", "callback_number": "13700000001", "is_active": 1},
            {"id": 12, "tenant_id": 1, "collector_name": "李", "callback_number": "13700000002", "is_active": 0},
            {"id": 13, "tenant_id": 1, "collector_name": "赵", "callback_number": "none", "is_active": 1},
        ],
        "blacklist": [
            {"id": 1, "phone": phone(900_001), "source": "投诉", "remark": "投诉过", "expire_time": ""},
            {"id": 2, "phone": f"+86 {phone(900_001)}", "source": "投诉", "remark": "", "expire_time": "2027-01-01"},
            {"id": 3, "phone": phone(900_002), "source": "", "remark": "", "expire_time": "2020-01-01"},
        ],
        "communication_records": [
            {"id": 1, "tenant_id": 1, "config_id": 7, "collector_id": 11, "infinity_extension_number": "1001",
             "contact_person_phone": phone(77), "call_uuid": "uuid-1", "contacted_at": T0, "call_duration": 31,
             "is_connected": 1, "call_record_url": "https://old.example/1.mp3", "contact_result": "承诺还款", "remark": ""},
            {"id": 2, "tenant_id": 1, "config_id": 7, "collector_id": 11, "infinity_extension_number": "1001",
             "contact_person_phone": phone(78), "call_uuid": None, "contacted_at": T0, "call_duration": None,
             "is_connected": None, "call_record_url": None, "contact_result": None, "remark": None},
        ],
    }  # fmt: skip


def in_database(url: str, content: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> str:
    """Make the tables in the database at `url`; returns the URL."""
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    with engine.begin() as connection:
        for name, rows in (content or tables()).items():
            made = sa.Table(name, metadata, *(_column(column, rows) for column in rows[0]))
            made.create(connection)
            connection.execute(sa.insert(made), [dict(row) for row in rows])
    engine.dispose()
    return url


def _column(name: str, rows: Sequence[Mapping[str, Any]]) -> sa.Column[Any]:
    if name in ("id", "mobile_phone"):
        kind: Any = sa.Integer if name == "id" else sa.String(64)
        return sa.Column(name, kind, primary_key=name == "id" or "id" not in rows[0], autoincrement=False)
    values = [row[name] for row in rows if row[name] is not None]
    if any(isinstance(value, dt.datetime) for value in values):
        return sa.Column(name, sa.DateTime)
    return sa.Column(name, sa.Integer if values and all(isinstance(v, int) for v in values) else sa.Text)


def in_folder(folder: Path, content: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> Path:
    """The tables as CSV files (usage as JSON), with contract ledgers and send_status files beside them."""
    for name, rows in (content or tables()).items():
        if name == "usage":
            (folder / "usage.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
            continue
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    contracts_in(folder)
    return folder


def contracts_in(folder: Path) -> None:
    """A ledger of four contracts, what send_status and the task table say of them, and technicians' changes."""
    rows = [ledger_row(1, notified="Y"), ledger_row(2), ledger_row(3), ledger_row(4, notified="Y")]
    write_ledger(folder / "contracts-2026-11.csv", rows)
    said = {"id-1": "发送成功", "id-2": "发送成功", "id-4": "未发送", "id-9": "发送成功"}
    (folder / "send_status.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    (folder / "technician_send_status.json").write_text(json.dumps({"c-1": "sent", "c-2": "sent"}), encoding="utf-8")
