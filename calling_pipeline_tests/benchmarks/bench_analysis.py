"""Every analysis over 31 days and over 400: 30 days × 200,000 call records, 400 days of history, a million push attempts,
300,000 calls of 100 extensions.

`CALLING_BENCH_ANALYSIS_FACTOR` (1.0) makes the rows fewer for a try.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.catalogue import ANALYSES
from calling_pipeline.analysis.registry import Entry, Question
from calling_pipeline.analysis.statistics.agents import LONGEST
from calling_pipeline.call_stats.daily_counts import store as daily_counts
from calling_pipeline.database import partitions
from calling_pipeline.database.engine import make_engine
from calling_pipeline_tests.benchmarks import line_data
from calling_pipeline_tests.benchmarks.support import database

FACTOR = float(os.environ.get("CALLING_BENCH_ANALYSIS_FACTOR", "1.0"))
RECORDED_DAYS, KEPT_DAYS, CALLS = 30, 400, max(500, int(200_000 * FACTOR))
BATCHES, PUSHED, MESSAGES = 50, max(100, int(20_000 * FACTOR)), max(100, int(100_000 * FACTOR))
TARGETS_MS = {31: 100.0, KEPT_DAYS: 50.0}
RUNS = 15

_RECORDS = sa.text(
    "INSERT INTO call_records (id, date, called_at, call_state, duration_s, order_yuan, agent_id, task_id, task_name,"
    " phone_masked, province) SELECT :place * 1000000 + n, cast(:day AS date), cast(:start AS timestamptz)"
    " + make_interval(secs => 32400 + (n * 7919) % 43200), CASE WHEN n % 3 = 0 THEN 2 ELSE 1 END,"
    " CASE WHEN n % 3 = 0 THEN n % 240 ELSE 0 END, CASE WHEN n % 60 = 0 THEN 9 WHEN n % 90 = 0 THEN 1 ELSE 0 END,"
    " 'agent ' || n * 31 % 200, 't' || n % 60, 'task ' || n % 60, '138****0000', 'province ' || n * 17 % 34"
    " FROM generate_series(1, :calls) AS n"
)
_COPIED = (
    "INSERT INTO {table} SELECT cast(:day AS date), {keys}, calls, connected, talk_s, grade_9, grade_1, orders"
    " FROM {table} WHERE date = :of"
)
_PARTS = {
    "daily_agents": "agent_id",
    "daily_hours": "hour",
    "daily_provinces": "province",
    "daily_province_hours": "province, hour",
    "daily_tasks": "task_id, task_name",
}
_COUNTED_DAYS = sa.text("INSERT INTO counted_days SELECT DISTINCT date, 1, now() FROM daily_hours ON CONFLICT DO NOTHING")
_HISTORY = sa.text(
    "INSERT INTO daily_history (date, total_tasks, callout_number, called_number, success_number, connected_rate,"
    " task_calculated_at, task_sync_type, task_fetch_number, grade_9, grade_1, total_success, total_records,"
    " grade_calculated_at, grade_sync_type, grade_fetch_number, updated_at) SELECT day, 60, calls, connected, grade_9, 33.3,"
    " now(), 'historical', 1, grade_9, grade_1, orders, calls, now(), 'historical', 1, now() FROM (SELECT date AS day,"
    " sum(calls) AS calls, sum(connected) AS connected, sum(grade_9) AS grade_9, sum(grade_1) AS grade_1,"
    " sum(orders) AS orders FROM daily_hours GROUP BY date) AS kept"
)
_PROOFS = sa.text(
    "INSERT INTO fetch_proofs (fetch_number, track, date, mode, sync_type, window_start, window_end, started_at,"
    " finished_at, reported_total, rows_fetched, distinct_ids, pages, pages_read_again, retries, elapsed_s, rows_added,"
    " rows_changed, rows_removed, late_rows, outside_day, unknown_grades, new_fields, missing_fields, run_id)"
    " SELECT n, CASE n % 2 WHEN 0 THEN 'grade' ELSE 'task' END, current_date - n / 20, 'full', 'today', at, at, at, at,"
    " 1000, 1000, 1000, 10, 0, 0, 2.5, 0, 0, 0, 0, 0, '[]', '[]', '[]', '' FROM (SELECT n, now()"
    " - make_interval(mins => n * 60) AS at FROM generate_series(1, 4000) AS n) AS reads"
)
_TASK = sa.text(
    "INSERT INTO calling_tasks (name, cron, source_schema, source_table, mobile_phone, enabled, ticks_from, created_at,"
    " updated_at) VALUES ('bench', '0 9 * * *', 'public', 'orders', 'phone', true, now(), now(), now()) RETURNING id"
)
_BATCHES = sa.text(
    "INSERT INTO call_batches (key, calling_task_id, task_name, day, state, source, policy, card, planned_at, started_at)"
    " SELECT 'bench ' || n, :task, 'bench', current_date - n / 2, 'completed', 'orders', '{}', '{}', now(), now()"
    " FROM generate_series(1, :batches) AS n"
)
_RESULTS = sa.text(
    "INSERT INTO call_result_batches (batch_id, day, pushed, connected, not_connected, not_dialled, waiting, order_9,"
    " order_1, talk_s, joined_at) SELECT id, day, :pushed, :pushed / 2, :pushed - :pushed / 2, 0, 0, :pushed / 40,"
    " :pushed / 40, 100000, now() FROM call_batches"
)
_LOG = sa.text(
    "INSERT INTO call_log (call_task_id, batch_id, phone, distinct_id, attempt, outcome, sent_at, answered_at, recorded_at)"
    " SELECT n, 1 + n / :pushed, '13800000000', n, 1, 'pushed', at, at + make_interval(secs => 0.05), at FROM (SELECT n,"
    " now() - make_interval(secs => 2500000.0 * n / :every) AS at FROM generate_series(1, :every) AS n) AS sends"
)
_MESSAGES = sa.text(
    "INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at,"
    " claimed_at, settled_at, history, created_at) SELECT 'send_wecom_message', 'robot:' || n % 20, 'text', 0,"
    " jsonb_build_object('contract_id', n), 'delivered', 1, 0, at, at, at + interval '1 second', '[]', at FROM (SELECT n,"
    " now() - make_interval(secs => 2500000.0 * n / :messages) AS at FROM generate_series(1, :messages) AS n) AS made"
)


def run() -> Iterator[dict[str, Any]]:
    """One line for each analysis and length of range, and one for the counting of a day."""
    with database() as url:
        engine = make_engine(url)
        line_data.fill(engine, factor=FACTOR)
        counting = _fill(engine)
        yield {"benchmark": "analysis, counting a day", "records": CALLS, "ms": round(counting, 1)}
        with engine.connect() as connection:
            for entry in ANALYSES.values():
                for length, target in TARGETS_MS.items():
                    for options in _options(entry, length):
                        yield _line(connection, entry, min(length, entry.longest_days), options, target)
        engine.dispose()


def _options(entry: Entry, length: int) -> list[dict[str, str]]:
    """The usual options, and for a range in parts each way to part it that it may have."""
    usual = {name: entry.choices.get(name, ("",))[0] for name in entry.options}
    return [
        usual,
        *(
            {**usual, "by": by}
            for by, most in LONGEST.items()
            if entry.name == "agents" and by != "range" and length <= most
        ),
    ]


def _line(connection: sa.Connection, entry: Entry, length: int, options: dict[str, str], target: float) -> dict[str, Any]:
    last = days.today() - dt.timedelta(days=1)
    question = Question(last - dt.timedelta(days=length - 1), last, options=options)
    times = []
    for visit in range(RUNS + 2):
        begun = time.perf_counter()
        found = entry.compute(connection, question).document
        if visit >= 2:
            times.append((time.perf_counter() - begun) * 1000)
    median = statistics.median(times)
    said = " ".join([entry.name, *(value for value in options.values() if value)])
    return {
        "benchmark": f"analysis {said}, {length} days", "unit": "ms", "p50": round(median, 1), "most": round(max(times), 1),
        "rows": sum(len(table["rows"]) for table in found["tables"].values()), "target": target, "met": median <= target,
    }  # fmt: skip


def _fill(engine: sa.Engine) -> float:
    """Returns the median milliseconds of counting a day of call records."""
    last, times = days.today() - dt.timedelta(days=1), []
    for place in range(RECORDED_DAYS):
        day = last - dt.timedelta(days=place)
        with engine.begin() as connection:
            values = {"place": place, "day": day, "start": days.day_bounds(day)[0], "calls": CALLS}
            partitions.make(connection, "call_records", [day])
            connection.execute(_RECORDS, values)
        with engine.begin() as connection:
            begun = time.perf_counter()
            daily_counts.count_day(connection, day, fetch_number=1)
            times.append((time.perf_counter() - begun) * 1000)
    with engine.begin() as connection:
        for place in range(RECORDED_DAYS, 2 * KEPT_DAYS):
            copied = {"day": last - dt.timedelta(days=place), "of": last - dt.timedelta(days=place % RECORDED_DAYS)}
            for table, keys in _PARTS.items():
                connection.execute(sa.text(_COPIED.format(table=table, keys=keys)), copied)
        connection.execute(
            sa.text("INSERT INTO counted_days SELECT DISTINCT date, 1, now() FROM daily_hours ON CONFLICT DO NOTHING")
        )
        connection.execute(_HISTORY)
        connection.execute(_PROOFS)
        task = connection.execute(_TASK).scalar_one()
        connection.execute(_BATCHES, {"task": task, "batches": BATCHES})
        connection.execute(_RESULTS, {"pushed": PUSHED})
        connection.execute(_LOG, {"pushed": PUSHED, "every": BATCHES * PUSHED})
        connection.execute(_MESSAGES, {"messages": MESSAGES})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    return statistics.median(times)
