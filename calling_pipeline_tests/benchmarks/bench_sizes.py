"""Bytes of a row of each large table, indexes and TOAST included: what `docs/scale.md` computes with.

Rows are made by the product itself from what the simulator answers: a day of records, a batch that is planned, pushed and
joined, contracts that become messages, saves of the ledger. Only telephony's calls and their callbacks are inserted as they
look in the end. Each table is measured as it was left, dead versions vacuumed, and packed.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.analysis.call_results.joining import join_day
from calling_pipeline.analysis.call_results.records import JoinRules
from calling_pipeline.call_batches.dependencies import BatchDependencies
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.generation import generate
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline_tests.benchmarks import bench_call_batches, line_data, scaling, support
from calling_pipeline_tests.notifications.world import row, write_ledger

RECORDS, SOURCE_ROWS, CONTRACTS, SAVES = (200_000, 50_000, 20_000, 20_000) if scaling.FULL else (20_000, 4_000, 2_000, 2_000)
PER_DAY = {
    "call_records": 200_000, "call_tasks": 100_000, "call_log": 50_000, "call_history": 30_000, "contact_attempts": 60_000,
    "call_results": 50_000, "communication_records": 10_000, "call_callbacks": 10_000, "contract_messages": 3_000,
    "contract_rows": 2_000, "task_ledger": 300, "task_charges": 200, "audit_log": 1_000,
}  # fmt: skip
"""Rows that a centre adds per day, of the tables that grow with the work; all others stay under a thousand rows per day."""
KEPT_DAYS = {"call_records": 90}
"""By default; the others are never deleted."""
LARGE = tuple(PER_DAY)
_PARTS = "(SELECT '{table}'::regclass AS part UNION SELECT relid FROM pg_partition_tree('{table}')) AS parts"
_BYTES = (
    "SELECT coalesce(sum(pg_total_relation_size(part)), 0), coalesce(sum(pg_indexes_size(part)), 0) FROM" + f" {_PARTS}"
    " INNER JOIN pg_class ON pg_class.oid = part WHERE relkind = 'r'"
)
_CALLBACKS = sa.text(
    "INSERT INTO call_callbacks (config_id, body_digest, call_uuid, reference, state, duration_s, contact_result, remark,"
    " recording_url, signed_at, received_at, record_id) SELECT config_id, sha256(reference::bytea), call_uuid, reference,"
    " state, duration_s, '已接通', '', 'https://records.infinity.example/2026/11/' || reference || '.mp3', closed_at,"
    " closed_at, id FROM communication_records"
)


def run() -> Iterator[dict[str, Any]]:
    """One line of each table, then what centres take with them."""
    found: dict[str, int] = {}
    with (
        support.database() as url,
        tempfile.TemporaryDirectory() as home,
        support.simulator("--records-per-day", str(RECORDS)) as vendor,
    ):
        settings = load(
            home=home, database_url=url.set(drivername="postgresql").render_as_string(hide_password=False),
            secret_key="a key for benchmarks, long enough", guanke_base_url=f"{vendor}/guanke",
            gateway_url=f"{vendor}/gateway", gateway_rate_per_s=10_000, wecom_robots={"城市": "key"},
            wecom_users={"default": "boss"}, **bench_call_batches.ACCOUNT,
        )  # fmt: skip
        runtime = Runtime(settings)
        empty = {table: _bytes(runtime.engine, table)[0] for table in LARGE}
        with runtime.engine.connect() as connection:
            before = {table: _rows(connection, table) for table in LARGE}
        _calls_and_records(runtime)
        _messages(runtime, Path(home))
        _telephony_and_acts(runtime)
        for table in LARGE:
            line = _line(runtime.engine, table, empty[table], before[table])
            found[table] = line["bytes_per_row"]
            yield line
        runtime.close()
    for centres in (1, 10, 100):
        yield {"benchmark": "sizes_of_centres", "centres": centres, **_of_centres(found, centres), "full": scaling.FULL}


def _of_centres(bytes_per_row: dict[str, int], centres: int) -> dict[str, float]:
    """Rows and bytes of a day and of what is there after one and after five years."""

    def there(after_days: int) -> float:
        kept = {table: rows * min(after_days, KEPT_DAYS.get(table, after_days)) for table, rows in PER_DAY.items()}
        return round(centres * sum(rows * bytes_per_row[table] for table, rows in kept.items()) / 1e9, 2)

    return {
        "rows_per_day": centres * sum(PER_DAY.values()), "gb_of_a_day": there(1), "gb_after_a_year": there(365),
        "gb_after_five_years": there(5 * 365),
    }  # fmt: skip


def _calls_and_records(runtime: Runtime) -> None:
    """A batch of dirty rows, planned and pushed; yesterday's records and today's; the join of today."""
    bench_call_batches.fill(runtime.database_url, SOURCE_ROWS, called_before=0)
    bench_call_batches.add_task(runtime.database_url, rate_per_s=10_000)
    batch = runs.plan_task(runtime.engine, "bench")
    runs.push(BatchDependencies.from_runtime(runtime), batch.id)
    wanted = [days.today() - dt.timedelta(days=1)]
    for track in ("grade", "task"):
        sync_days(runtime.engine, guanke_client(runtime), track, wanted, sync_type="manual", phone_key=runtime.phone_key)
    with runtime.transaction() as connection:
        join_day(connection, days.today(), JoinRules(runtime.phone_keys))


def _messages(runtime: Runtime, folder: Path) -> None:
    deps = NotificationDependencies.from_runtime(runtime)
    path = write_ledger(folder / "c.csv", [row(n, city="城市", award=str(n % 2)) for n in range(CONTRACTS)])
    with deps.transaction() as connection:
        generate(connection, path, deps.plan, Names(deps.robots, deps.users), created_by="bench")
    with deps.transaction() as connection:
        connection.execute(sa.text("UPDATE contract_messages SET state = 'delivered', attempts = 1, settled_at = now()"))


def _telephony_and_acts(runtime: Runtime) -> None:
    line_data.fill(runtime.engine, factor=SAVES / line_data.CALLS)
    with runtime.transaction() as connection:
        connection.execute(_CALLBACKS)
        for number in range(SAVES):
            for state in ("pending", "completed"):
                save_task_details(
                    connection, TaskDetails(f"task:{number}", "bench", state, credits=3, details={"rows": number})
                )
            note_act(
                connection, "extension.release", f"extension:{number}", by="Li Wei", reason="the line was stuck",
                before={"state": "in_use"}, after={"state": "available"},
            )  # fmt: skip


def _line(engine: sa.Engine, table: str, empty: int, before: int) -> dict[str, Any]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM {table}")
        rows = _rows(connection, table) - before
        left, _ = _bytes(engine, table)
        connection.exec_driver_sql(f"VACUUM FULL {table}")
    packed, indexes = _bytes(engine, table)
    each = max(rows, 1)
    return {
        "benchmark": "sizes", "table": table, "rows": rows, "bytes_per_row": round((left - empty) / each),
        "packed_bytes_per_row": round((packed - empty) / each), "of_it_indexes": round(indexes / each), "full": scaling.FULL,
    }  # fmt: skip


def _rows(connection: sa.Connection, table: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def _bytes(engine: sa.Engine, table: str) -> tuple[int, int]:
    """Bytes of the table with its partitions, and of their indexes."""
    with engine.connect() as connection:
        total, indexes = connection.exec_driver_sql(_BYTES.format(table=table)).one()
    return int(total), int(indexes)
