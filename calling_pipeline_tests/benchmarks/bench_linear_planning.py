"""The plan of ten times the source rows: time of a row, and memory of the sessions of the server, which does the work.

`SCALE=1` takes 1,000,000 and 10,000,000 dirty source rows with a history of a third of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy.engine import URL

from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.database.engine import business_url, driver_dsn, make_engine
from calling_pipeline_tests.benchmarks import bench_call_batches, scaling, support

FEW = 1_000_000 if scaling.FULL else 10_000
MANY = 10 * FEW


def run() -> Iterator[dict[str, Any]]:
    """Plans of both sizes, each on a database of its own."""
    found: dict[int, list[scaling.Run]] = {FEW: [], MANY: []}
    own_mb, kept_bytes = 0.0, 0.0
    for rows, turns in ((FEW, scaling.SMALL_RUNS), (MANY, 1)):
        with support.database() as url:
            bench_call_batches.fill(url, rows)
            bench_call_batches.add_task(url)
            for _ in range(turns):
                one, own_mb, kept_bytes = _plan(url)
                found[rows].append(one)
    yield scaling.growth(
        "linear_planning", found[FEW], found[MANY], memory_of="the server's sessions", process_peak_mb=own_mb,
        bytes_kept_per_source_row=round(kept_bytes / MANY),
    )  # fmt: skip


def _plan(url: URL) -> tuple[scaling.Run, float, float]:
    """The plan, the peak memory of the planning process in MB, and the bytes that the batch takes; it is gone afterwards."""
    engine = make_engine(url)
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with scaling.server_memory(engine) as memory:
        planned = scaling.in_own_process(f"{__package__}.bench_linear_planning", address)
    engine.dispose()
    with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
        size = connection.execute("SELECT pg_total_relation_size('call_tasks')").fetchone()
        connection.execute("TRUNCATE call_tasks")
        connection.execute("DELETE FROM call_batches")
        connection.execute("VACUUM call_tasks")
        connection.execute("CHECKPOINT")
    assert size is not None
    return scaling.Run(planned.seconds, planned.rows, memory.peak_mb), planned.peak_mb, size[0]


def main(address: str) -> None:
    """One plan, as the sensor and the command line make it."""
    engine = make_engine(business_url(address))
    begun = time.perf_counter()
    batch = runs.plan_task(engine, "bench")
    spent = time.perf_counter() - begun
    engine.dispose()
    scaling.print_run(spent, batch.card.source_rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
