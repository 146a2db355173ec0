"""The join of a day of pushed calls with the call records of that day and the next: first, again, after corrections."""

from __future__ import annotations

import datetime as dt
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.call_results.joining import join_day
from calling_pipeline.analysis.call_results.records import JoinRules
from calling_pipeline.database import partitions
from calling_pipeline.database.bulk import copy_rows
from calling_pipeline.database.engine import make_engine
from calling_pipeline.masking import phone_hasher
from calling_pipeline_tests.benchmarks.support import database

PUSHED, RECORDS, BATCHES, CORRECTED = 50_000, 200_000, 5, 1_000
DAYS = (-1, 0, 1)
TURNS = 3
TARGET_S = 3.0
KEY = b"a key for benchmarks, long enough"
DAY = dt.date(2026, 11, 30)
MORNING = dt.datetime(2026, 11, 30, 9, tzinfo=days.SHANGHAI)
NOON_AFTER = MORNING + dt.timedelta(days=1, hours=12)
RULES = JoinRules((KEY,))
_BATCH = sa.text(
    "INSERT INTO call_batches (key, calling_task_id, task_name, day, state, source, policy, card, planned_at, started_at,"
    " finished_at) VALUES (:key, 1, 'orders', :day, 'completed', 'crm.orders', '{}', '{}', :at, :at, :ended) RETURNING id"
)
_TASK = sa.text(
    "INSERT INTO calling_tasks (name, cron, source_schema, source_table, mobile_phone, enabled, ticks_from, created_at,"
    " updated_at) VALUES ('orders', '0 9 * * *', 'crm', 'orders', 'mobile', true, now(), now(), now())"
)
_LOG = sa.text(
    "INSERT INTO call_log (call_task_id, batch_id, phone, distinct_id, attempt, outcome, sent_at, recorded_at)"
    " SELECT id, batch_id, phone, distinct_id, 1, 'pushed', claimed_at, claimed_at FROM call_tasks"
)


def run() -> Iterator[dict[str, Any]]:
    """Seconds of a join of 50,000 pushed calls with 200,000 records per day: the first, then medians of three."""
    with database() as url, days.frozen(NOON_AFTER):
        engine = make_engine(url)
        with engine.begin() as connection:
            fill(connection, PUSHED, RECORDS)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        first_s, first = _joined(engine)
        again = [_joined(engine) for _ in range(TURNS)]
        corrected = []
        for turn in range(TURNS):
            _correct(engine, turn)
            corrected.append(_joined(engine))
        engine.dispose()
    yield _line("first", first_s, first)
    yield _line("again, nothing changed", statistics.median(s for s, _ in again), again[-1][1])
    yield _line("after corrections", statistics.median(s for s, _ in corrected), corrected[-1][1])


def _joined(engine: sa.Engine) -> tuple[float, int]:
    begun = time.perf_counter()
    with engine.begin() as connection:
        changed = join_day(connection, DAY, RULES).changed
    return time.perf_counter() - begun, changed


def _line(what: str, seconds: float, changed: int) -> dict[str, Any]:
    return {
        "benchmark": "call_results.join_day",
        "join": what,
        "pushed": PUSHED,
        "records_per_day": RECORDS,
        "seconds": round(seconds, 2),
        "results_written": changed,
        "target": f"<= {TARGET_S} s",
        "met": seconds <= TARGET_S,
    }


def fill(connection: sa.Connection, pushed: int, records: int) -> None:
    """A day of `pushed` calls in five batches, and `records` call records on it and on each day beside it."""
    connection.execute(_TASK)
    phones = [f"138{number:08d}" for number in random.Random(1).sample(range(10**8), pushed)]
    size = pushed // BATCHES
    for batch in range(BATCHES):
        at = MORNING + dt.timedelta(hours=batch)
        values = {"key": f"bench {batch}", "day": DAY, "at": at, "ended": at + dt.timedelta(minutes=30)}
        batch_id = connection.execute(_BATCH, values).scalar_one()
        rows = (
            (batch_id, place, phone, "pushed", f"{batch}-{place}", at + dt.timedelta(milliseconds=20 * place), 1)
            for place, phone in enumerate(phones[batch * size : (batch + 1) * size], 1)
        )
        columns = ("batch_id", "source_row", "phone", "state", "distinct_id", "claimed_at", "attempts")
        copy_rows(connection, "call_tasks", columns, rows)
    connection.execute(_LOG)
    for offset in DAYS:
        _records(connection, offset, phones, records)


def _records(connection: sa.Connection, offset: int, phones: list[str], records: int) -> None:
    """A day's records: those of the day itself hold most of the pushed numbers, the other days none of them."""
    hasher, chance, day = phone_hasher(KEY), random.Random(offset), DAY + dt.timedelta(days=offset)
    start = days.day_bounds(day)[0]

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(records):
            mine = offset == 0 and number < len(phones) * 9 // 10
            one = hasher.copy()
            one.update((phones[number] if mine else f"139{chance.randrange(10**8):08d}").encode())
            at = start + dt.timedelta(hours=14 if mine else 9, seconds=chance.randrange(20_000))
            connected, order = chance.random() < 0.3, chance.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 9))
            state, order_yuan = (2, order) if connected else (1, 0)
            yield (
                (offset + 1) * records + number, day, at, state, 60 * connected, order_yuan, "agent07", "138****0000",
                one.digest(), "正常挂断", "四川",
            )  # fmt: skip

    columns = ("id", "date", "called_at", "call_state", "duration_s", "order_yuan", "agent_id", "phone_masked", "phone_hash",
               "hangup_reason", "province")  # fmt: skip
    partitions.make(connection, "call_records", [day])
    copy_rows(connection, "call_records", columns, rows())


def _correct(engine: sa.Engine, turn: int) -> None:
    """Some of the day's records are graded otherwise."""
    first = RECORDS + turn * CORRECTED
    change = "UPDATE call_records SET duration_s = duration_s + 1 WHERE id >= :first AND id < :last"
    with engine.begin() as connection:
        connection.execute(sa.text(change), {"first": first, "last": first + CORRECTED})
