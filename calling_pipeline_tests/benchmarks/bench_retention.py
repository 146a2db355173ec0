"""A day of call records goes by retention: the partition dropped, against the rows deleted from one table of the same days.

`SCALE=1` takes days of 2,000,000 records, else it only tries the benchmark with few.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import retention
from calling_pipeline.database import partitions
from calling_pipeline.database.engine import make_engine
from calling_pipeline_tests.benchmarks.support import database

FULL = os.environ.get("SCALE") == "1"
RECORDS = 2_000_000 if FULL else 20_000
KEPT_DAYS = 30
LAST = days.today() - dt.timedelta(days=1)
OLD = LAST - dt.timedelta(days=KEPT_DAYS)
MOST_S = 1.0
_FILL = (
    "INSERT INTO {table} (id, date, called_at, call_state, duration_s, order_yuan, agent_id, task_id, task_name, line_name,"
    " phone_masked, phone_hash, province) SELECT :place * 10000000 + n, cast(:day AS date), cast(:day AS date)"
    " + n * INTERVAL '10 milliseconds', n % 3, n % 600, 0, 'agent' || n % 200, 't' || n % 60, 'task ' || n % 60,"
    " 'line ' || n % 40, '138****' || lpad((n % 10000)::text, 4, '0'), sha256(int8send(n)), 'province'"
    " FROM generate_series(1, cast(:records AS bigint)) AS n"
)
_PARTS = "(SELECT '{table}'::regclass AS part UNION SELECT relid FROM pg_partition_tree('{table}')) AS parts"
_BYTES = f"SELECT sum(pg_total_relation_size(part)) FROM {_PARTS}"
_DEAD = f"SELECT coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables JOIN {_PARTS} ON relid = part"


def run() -> Iterator[dict[str, Any]]:
    """Seconds, bytes that stay of the day, and rows left to vacuum."""
    with database() as url:
        engine = make_engine(url)
        with engine.begin() as connection:
            partitions.make(connection, "call_records", [OLD, LAST])
            connection.exec_driver_sql("CREATE TABLE one_table (LIKE call_records INCLUDING ALL)")
            connection.exec_driver_sql("CREATE INDEX ON one_table (date)")
        for table in ("call_records", "one_table"):
            for place, day in enumerate((OLD, LAST)):
                with engine.begin() as connection:
                    connection.execute(sa.text(_FILL.format(table=table)), {"place": place, "day": day, "records": RECORDS})
        yield _figures(engine, "call_records", "drop", _drop(engine))
        yield _figures(engine, "one_table", "delete", _delete(engine))
        engine.dispose()


def _drop(engine: sa.Engine) -> float:
    """By the function that housekeeping calls."""

    def transaction() -> AbstractContextManager[sa.Connection]:
        return engine.begin()

    now = dt.datetime.combine(days.today(), dt.time(3, 30), days.SHANGHAI)
    begun = time.perf_counter()
    retention.prune_by_day(transaction, now=now, cache_days=KEPT_DAYS, record_days=KEPT_DAYS)
    return time.perf_counter() - begun


def _delete(engine: sa.Engine) -> float:
    begun = time.perf_counter()
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM one_table WHERE date = :day"), {"day": OLD})
    return time.perf_counter() - begun


def _figures(engine: sa.Engine, table: str, how: str, seconds: float) -> dict[str, Any]:
    with engine.begin() as connection:
        kept = int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
        size = int(connection.exec_driver_sql(_BYTES.format(table=table)).scalar_one())
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with engine.begin() as connection:
        dead = int(connection.exec_driver_sql(_DEAD.format(table=table)).scalar_one())
    figures = {"benchmark": f"retention_{how}_a_day", "records": RECORDS, "seconds": round(seconds, 3), "kept": kept}
    figures |= {"bytes_per_kept_record": round(size / kept), "rows_to_vacuum": dead}
    return figures | ({"target_s": MOST_S, "met": seconds <= MOST_S and not dead} if how == "drop" else {})
