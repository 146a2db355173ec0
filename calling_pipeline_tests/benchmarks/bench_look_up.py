"""Whom a batch may call, with ten and a hundred times the numbers in the call history.

Measured are the plan of 20,000 source rows, the look-up of the claims, and the gate with a tenth as many contact attempts.
`SCALE=1` takes 2,000,000, 20,000,000 and 200,000,000 numbers, and leaves out a size for which the disk has too little room
(`BYTES_PER_NUMBER` each). What more numbers cost follows from the blocks that a look-up reads: the index's levels, one block
of the table for a number that was called.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline import days
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.contact_policy import store as policy_store
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.database.engine import make_engine
from calling_pipeline.database.sql import statement_of
from calling_pipeline_tests.benchmarks import bench_call_batches, scaling, support

SIZES = (2_000_000, 20_000_000, 200_000_000) if scaling.FULL else (20_000, 200_000)
SOURCE_ROWS, ASKED = (20_000, 5_000) if scaling.FULL else (2_000, 500)
BYTES_PER_NUMBER = 190
"""Of the history, its index while it is sorted, and a tenth as many attempts."""
SPARE_BYTES = 6_000_000_000
ENTRIES_PER_BLOCK = 256
"""Of the history's index: 32 bytes of a block of 8 kB for each number."""
MOST_TIME, MOST_BLOCKS_MORE = 1.5, 1.0

_HISTORY = """
    INSERT INTO call_history (phone, first_called_at, last_called_at, calls, last_batch_id, last_call_task_id)
    SELECT '1' || (3000000000 + (n * 7919 % {rows}) * {step})::text, now() - interval '90 days', now() - interval '90 days',
        1, 1, n
    FROM generate_series(1, {rows}::bigint) AS n
"""
_ATTEMPTS = """
    INSERT INTO contact_attempts (phone, room, reference, at)
    SELECT '1' || (3000000000 + (n * 7919 % {rows}) * {step})::text, 'call_batches', 'old-' || n, now() - interval '90 days'
    FROM generate_series(1, {rows}::bigint / 10) AS n
"""
_SOURCE = """
    CREATE TABLE crm.work_orders AS
    SELECT '1' || (3000000000 + (n * 104729 % {rows}) * {step} + n % 2)::text AS mobile, 'staff' AS staff, 'CRM' AS system,
        'new' AS kind, 1 AS orders
    FROM generate_series(1, {source}::bigint) AS n
"""
_PRIMARY_KEY = "ALTER TABLE call_history {} CONSTRAINT pk_call_history"


def run() -> Iterator[dict[str, Any]]:
    """One line of each size that fits, compared with the smallest."""
    smallest: dict[str, float] = {}
    for rows in SIZES:
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if rows * BYTES_PER_NUMBER + SPARE_BYTES > free:
            wanted = round((rows * BYTES_PER_NUMBER + SPARE_BYTES) / 1e9)
            yield {
                "benchmark": "look_up",
                "numbers": rows,
                "left_out": f"it wants {wanted} GB of disk",
                "free_gb": free // 10**9,
            }
            continue
        with support.database() as url:
            found = _measure(url, rows)
        smallest = smallest or found
        ratio = found["look_up_us"] / smallest["look_up_us"]
        gate_ratio = found["gate_us"] / smallest["gate_us"]
        more = found["blocks_per_look_up"] - smallest["blocks_per_look_up"]
        yield {
            "benchmark": "look_up", "numbers": rows, **found,
            "baseline": f"{SIZES[0]} numbers", "ratio": round(ratio, 2), "gate_ratio": round(gate_ratio, 2),
            "plan_ratio": round(found["plan_s"] / smallest["plan_s"], 2), "more_blocks": round(more, 2),
            "index_levels_reckoned": _levels(rows), "index_levels_reckoned_of_200m": _levels(200_000_000),
            "target": f"time <= {MOST_TIME}, blocks + {MOST_BLOCKS_MORE:.0f}", "full": scaling.FULL,
            "met": max(ratio, gate_ratio) <= MOST_TIME and more <= MOST_BLOCKS_MORE,
        }  # fmt: skip


def _levels(rows: int) -> int:
    """Blocks of the index from its root to a leaf."""
    return max(1, math.ceil(math.log(rows, ENTRIES_PER_BLOCK)))


def _measure(url: URL, rows: int) -> dict[str, float]:
    engine = make_engine(url)
    begun = time.perf_counter()
    _fill(engine, rows)
    bench_call_batches.add_task(url)
    fill_s = time.perf_counter() - begun
    begun = time.perf_counter()
    batch = runs.plan_task(engine, "bench")
    plan_s = time.perf_counter() - begun
    now = days.now()
    with engine.connect() as connection:
        connection.execute(sa.text("ANALYZE call_tasks"))
        args: dict[str, Any] = {"now": now, "recall_from": None, "limit": ASKED}
        phones = [row.phone for row in call_store.due(connection, batch.id, **args)]
        attempts = [Attempt(phone, "call_batches", f"new-{n}", now) for n, phone in enumerate(phones)]
        look_up_s = support.median_s(lambda: call_store.due(connection, batch.id, **args), runs=7)
        gate_s = support.median_s(lambda: policy_store.facts(connection, attempts, 3), runs=7)
        blocks = _blocks(connection, {"batch_id": batch.id, **args})
        size = connection.execute(sa.text("SELECT pg_total_relation_size('call_history')")).scalar_one()
        connection.rollback()
    engine.dispose()
    return {
        "plan_s": round(plan_s, 2), "to_call": batch.card.to_call, "look_up_us": round(look_up_s / len(phones) * 1e6, 1),
        "gate_us": round(gate_s / len(phones) * 1e6, 1), "blocks_per_look_up": round(blocks, 2),
        "bytes_per_number": round(size / rows), "gb": round(size / 1e9, 2), "fill_s": round(fill_s),
    }  # fmt: skip


def _fill(engine: sa.Engine, rows: int) -> None:
    """Numbers over the whole range, in the heap in another order than in the index, as calls come."""
    sizes = {"rows": rows, "step": 7_000_000_000 // rows, "source": SOURCE_ROWS}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE SCHEMA crm")
        connection.exec_driver_sql("SET maintenance_work_mem = '1GB'")
        connection.exec_driver_sql(_PRIMARY_KEY.format("DROP"))
        for table in ("call_history", "contact_attempts"):
            connection.exec_driver_sql(f"ALTER TABLE {table} SET UNLOGGED")
        for statement in (_HISTORY, _ATTEMPTS, _SOURCE):
            connection.exec_driver_sql(statement.format(**sizes).replace("%", "%%"))
        connection.exec_driver_sql(_PRIMARY_KEY.format("ADD") + " PRIMARY KEY (phone)")
        connection.exec_driver_sql("VACUUM (FREEZE, ANALYZE) call_history, contact_attempts, crm.work_orders")


def _blocks(connection: sa.Connection, values: dict[str, object]) -> float:
    """Blocks that one look-up of the history reads, of the claims' own statement."""
    explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement_of("call_batches/calls/due")
    answer = connection.execute(sa.text(explain), values).scalar_one()
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    [node] = _nodes(plan, lambda node: node.get("Relation Name") == "call_history")
    return float((node["Shared Hit Blocks"] + node["Shared Read Blocks"]) / ASKED)


def _nodes(plan: dict[str, Any], wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    below = [found for part in plan.get("Plans", []) for found in _nodes(part, wanted)]
    return [plan, *below] if wanted(plan) else below
