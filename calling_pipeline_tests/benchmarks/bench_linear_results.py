"""The join of a day of ten times the pushed calls with ten times the call records, and the results by hour that follow:
time of a pushed call and memory.

`SCALE=1` takes 50,000 and 500,000 pushed calls with four records for each, and as many records on the days around.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy.engine import URL

from calling_pipeline import days
from calling_pipeline.analysis.call_results.joining import join_day
from calling_pipeline.database.engine import business_url, make_engine
from calling_pipeline_tests.benchmarks import bench_call_results, scaling, support

FEW = 50_000 if scaling.FULL else 1_000
MANY = 10 * FEW
NOON = bench_call_results.NOON_AFTER


def run() -> Iterator[dict[str, Any]]:
    """Both sizes, each on a database of its own: the first join of the day, and the next one, which changes nothing."""
    first: dict[int, list[scaling.Run]] = {FEW: [], MANY: []}
    again: dict[int, list[scaling.Run]] = {FEW: [], MANY: []}
    for rows in (FEW, MANY):
        for _ in range(scaling.SMALL_RUNS if rows == FEW else 1):
            with support.database() as url, days.frozen(NOON):
                _fill(url, rows)
                first[rows].append(_join(url))
                again[rows].append(_join(url))
    yield scaling.growth("linear_results_first", first[FEW], first[MANY])
    yield scaling.growth("linear_results_again_unchanged", again[FEW], again[MANY])


def _fill(url: URL, pushed: int) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        bench_call_results.fill(connection, pushed, 4 * pushed)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql("CHECKPOINT")
    engine.dispose()


def _join(url: URL) -> scaling.Run:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return scaling.in_own_process(f"{__package__}.bench_linear_results", address)


def main(address: str) -> None:
    """One join, as the run of Dagster and the command line make it."""
    engine = make_engine(business_url(address))
    with days.frozen(NOON):
        begun = time.perf_counter()
        with engine.begin() as connection:
            joined = join_day(connection, bench_call_results.DAY, bench_call_results.RULES)
        spent = time.perf_counter() - begun
    engine.dispose()
    scaling.print_run(spent, joined.pushed)


if __name__ == "__main__":
    main(*sys.argv[1:])
