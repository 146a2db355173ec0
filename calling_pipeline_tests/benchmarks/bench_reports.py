"""The facts of reports from 30 days of 200,000 call records each: building them, and asking what is due."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.database.engine import make_engine
from calling_pipeline.reports import periods
from calling_pipeline.reports.building import build
from calling_pipeline.reports.due import due
from calling_pipeline.reports.facts import facts_of
from calling_pipeline.reports.records import KINDS, Period
from calling_pipeline_tests.benchmarks.support import database
from calling_pipeline_tests.reports.support import SUNDAY, morning_after, put_day

DAYS, CALLS, AGENTS, RUNS = 30, 200_000, 200, 7


def run() -> Iterator[dict[str, Any]]:
    """Milliseconds of building the facts of each kind of report, and of one look at what is due, median of seven."""
    with database() as url, days.frozen(morning_after(SUNDAY)):
        engine = make_engine(url)
        with engine.begin() as connection:
            fill(connection)
        with engine.connect() as connection:
            for kind in KINDS:
                act = partial(_facts, connection, periods.containing(kind, SUNDAY))
                yield _line(f"facts of the {kind} report", _median_ms(act))
            yield _line("what is due", _median_ms(lambda: due(connection, days.now(), deadline_h=10.0)))
        engine.dispose()


def _facts(connection: sa.Connection, period: Period) -> None:
    facts_of(build(connection, period))


def fill(connection: sa.Connection) -> None:
    """The stored numbers of the days, as their syncs leave them."""
    agents = tuple(f"agent{place:03d}" for place in range(AGENTS))
    for back in range(DAYS):
        day = SUNDAY - dt.timedelta(days=back)
        put_day(connection, day, calls=CALLS, connected=70_000, grade_9=4_000, grade_1=2_000, agents=agents)


def _median_ms(act: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return round(1000 * statistics.median(times), 1)


def _line(what: str, milliseconds: float) -> dict[str, Any]:
    return {"benchmark": "reports", "what": what, "days": DAYS, "records_per_day": CALLS, "milliseconds": milliseconds}
