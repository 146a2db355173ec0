"""A month of a large call centre for the console's benchmark, made from the example world.

Days are read from the simulator by the product's own sync; batches, messages and extensions of the example are copied.
"""

from __future__ import annotations

import datetime as dt

import httpx
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.example import orders, seeding, store
from calling_pipeline.example.names import BY, TASK, TENANT
from calling_pipeline.example.names import EXTENSIONS as SEEDED
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.tenants import store as tenant_store

DAYS, CALLS_PER_DAY = 30, 200_000
BATCHES, ROWS_PER_BATCH = 50, 20_000
EXTENSIONS, MESSAGES = 100, 100_000

_COPIED_BATCH = sa.text(
    "INSERT INTO call_batches (key, calling_task_id, task_name, day, tick_at, state, source, policy, card, planned_at,"
    " started_at, finished_at) SELECT key || ' copy ' || :n, calling_task_id, task_name, day - :back, NULL, 'completed',"
    " source, policy, card, planned_at - make_interval(days => :back), planned_at - make_interval(days => :back),"
    " planned_at - make_interval(days => :back) + interval '1 hour' FROM call_batches WHERE id = :batch RETURNING id"
)
_COPIED_CALLS = sa.text(
    "INSERT INTO call_tasks (batch_id, source_row, phone, raw, staff_name, sys_name, order_type, order_nums, state, reason,"
    " distinct_id, attempts, claimed_at, resp_code) SELECT :copy, source_row, phone, raw, staff_name, sys_name, order_type,"
    " order_nums, CASE WHEN state = 'pending' THEN 'pushed' ELSE state END, reason,"
    " CASE WHEN state = 'pending' THEN :copy || '-' || id END, 1, now(), '0' FROM call_tasks WHERE batch_id = :batch"
)
_COPIED_MESSAGES = sa.text(
    "INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at,"
    " settled_at, history, created_at) SELECT m.kind, m.receiver, m.body, m.cut_bytes,"
    " m.metadata || jsonb_build_object('contract_id', 'copy-' || g), 'delivered', 1, 0, m.due_at, now(), m.history,"
    " now() - make_interval(mins => g / 3) FROM generate_series(1, :wanted) AS g,"
    " (SELECT * FROM contract_messages ORDER BY id LIMIT 1) AS m"
)


def fill(runtime: Runtime, api: httpx.Client, factor: float) -> dict[str, int]:
    """Fill every room; `factor` scales rows, not days or batches. Returns how much there is."""
    seeding.seed(runtime)
    _read_days(api)
    rows = max(100, int(ROWS_PER_BATCH * factor))
    calls = _batches(runtime, rows)
    messages = max(100, int(MESSAGES * factor))
    with runtime.transaction() as connection:
        connection.execute(_COPIED_MESSAGES, {"wanted": messages})
        config = tenant_store.config_of_tenant(connection, TENANT)
        assert config is not None
        more = [(str(9000 + place), "") for place in range(EXTENSIONS - SEEDED)]
        extensions.bulk_import(connection, config.id, more, who=BY)
    with runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        records = int(connection.exec_driver_sql("SELECT count(*) FROM call_records").scalar_one())
    return {"call_records": records, "calls_of_batches": calls, "messages": messages, "extensions": EXTENSIONS}


def _read_days(api: httpx.Client) -> None:
    """Both tracks of the last month and today, from the simulator."""
    for back in range(DAYS, -1, -1):
        for track in ("grade", "task"):
            body = {"date": (days.today() - dt.timedelta(days=back)).isoformat()}
            api.post(f"/api/stats/{track}-stats/refresh", json=body).raise_for_status()


def _batches(runtime: Runtime, rows: int) -> int:
    """One planned batch and its copies over the last days; returns how many rows they have."""
    with runtime.transaction() as connection:
        first = store.count_orders(connection)
        store.add_orders(connection, orders.orders(max(0, rows - first), first=first))
    batch = runs.plan_task(runtime.engine, TASK, by="")
    for copy in range(1, BATCHES):
        with runtime.transaction() as connection:
            values = {"n": str(copy), "back": copy // 2, "batch": batch.id}
            made = connection.execute(_COPIED_BATCH, values).scalar_one()
            connection.execute(_COPIED_CALLS, {"copy": made, "batch": batch.id})
    with runtime.transaction() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM call_tasks").scalar_one())
