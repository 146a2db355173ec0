"""`save_task_details` against the bare guarded upsert it is built around, at 16 and 64 callers."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import sqlalchemy as sa

from calling_pipeline.database.engine import driver_connection, driver_dsn, make_engine
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline_tests.benchmarks.support import database, towards

SAVES = 20_000
TURNS = 5
BARE = """
    INSERT INTO bare AS kept (task_id, state, credits, details) VALUES (%s, %s, %s, %s::jsonb)
    ON CONFLICT (task_id) DO UPDATE SET state = excluded.state, details = kept.details || excluded.details
    WHERE kept.state = 'pending' RETURNING state
"""
TABLE = "CREATE TABLE bare (task_id text PRIMARY KEY, state text NOT NULL, credits bigint NOT NULL, details jsonb NOT NULL)"


def run() -> Iterator[dict[str, Any]]:
    """Saves per second with two saves per task (pending, then completed and charged): medians of five turns each."""
    with database() as url:
        engine = make_engine(url, pool_size=64, max_overflow=4)
        with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
            connection.execute(TABLE)
        for callers in (16, 64):
            bare, ours = [], []
            for turn in range(TURNS):
                bare.append(_rate(engine, callers, _bare, f"{callers}.{turn}"))
                ours.append(_rate(engine, callers, _ours, f"{callers}.{turn}"))
            rate, limit = statistics.median(ours), statistics.median(bare)
            ratio = rate / limit
            yield {
                "benchmark": "task_ledger.save_task_details",
                "callers": callers,
                "saves_per_s": round(rate),
                "baseline": "bare guarded upsert",
                "baseline_per_s": round(limit),
                "ratio": round(ratio, 2),
                "target": "ratio >= 0.5",
                "met": ratio >= 0.5,
                **towards(0.75, ratio >= 0.75),
            }
        engine.dispose()


def _bare(connection: sa.Connection, task_id: str, state: str) -> None:
    raw = driver_connection(connection)
    raw.execute(BARE, (task_id, state, 3, '{"rows": 1}'), prepare=True).fetchone()


def _ours(connection: sa.Connection, task_id: str, state: Any) -> None:
    save_task_details(connection, TaskDetails(task_id, "bench", state, credits=3, details={"rows": 1}))


def _rate(engine: sa.Engine, callers: int, save: Callable[[sa.Connection, str, str], None], turn: str) -> float:
    gate = threading.Barrier(callers + 1)

    def caller(number: int) -> None:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
            connection.commit()
            gate.wait()
            for task in range(SAVES // callers // 2):
                for state in ("pending", "completed"):
                    save(connection, f"{turn}:{number}:{task}", state)
                    connection.commit()
            gate.wait()

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    gate.wait()
    begun = time.perf_counter()
    gate.wait()
    took = time.perf_counter() - begun
    for thread in threads:
        thread.join()
    return (SAVES // callers // 2) * 2 * callers / took
