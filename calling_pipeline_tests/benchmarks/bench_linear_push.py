"""A batch of ten times the calls, pushed to a gateway that answers at once: time of a call and memory.

`SCALE=1` takes 5,000 and 50,000 calls.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from calling_pipeline.call_batches.dependencies import BatchDependencies
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline_tests.benchmarks import bench_call_batches, scaling, support

FEW = 5_000 if scaling.FULL else 200
MANY = 10 * FEW
TURNS = 2


def run() -> Iterator[dict[str, Any]]:
    """Both sizes in turns, each batch on numbers that nobody called."""
    found: dict[int, list[scaling.Run]] = {FEW: [], MANY: []}
    with support.database() as url, support.simulator() as vendor:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        for turn, rows in enumerate((FEW, MANY) * TURNS + (FEW,)):
            task = f"turn_{turn}"
            bench_call_batches.fill_clean(url, rows, task, first=turn * MANY)
            bench_call_batches.add_task(url, name=task, source_table=task, rate_per_s=10_000)
            with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
                connection.execute("CHECKPOINT")
            with tempfile.TemporaryDirectory() as home:
                one = scaling.in_own_process(f"{__package__}.bench_linear_push", address, f"{vendor}/gateway", task, home)
            assert one.rows == rows, one
            found[rows].append(one)
    yield scaling.growth("linear_push", found[FEW], found[MANY])


def main(address: str, gateway: str, task: str, home: str) -> None:
    """One push, as a run of Dagster and the command line make it."""
    settings = load(
        home=home, database_url=address, gateway_url=gateway, gateway_concurrency=bench_call_batches.WIDTH,
        secret_key="a key of the benchmark", gateway_rate_per_s=10_000, **bench_call_batches.ACCOUNT,
    )  # fmt: skip
    runtime = Runtime(settings)
    batch = runs.plan_task(runtime.engine, task)
    begun = time.perf_counter()
    done = runs.push(BatchDependencies.from_runtime(runtime), batch.id)
    spent = time.perf_counter() - begun
    runtime.close()
    assert done.state == "completed", done
    scaling.print_run(spent, batch.card.to_call)


if __name__ == "__main__":
    main(*sys.argv[1:])
