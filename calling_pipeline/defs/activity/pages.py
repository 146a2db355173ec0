"""What the page of an asset shows of a day after work outside a run: read from the tables, as a run would show it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from calling_pipeline.call_batches.records import SOURCE_TABLES
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.facts.store import day_facts
from calling_pipeline.call_stats.history import store as history
from calling_pipeline.call_stats.quality import DayFacts
from calling_pipeline.call_stats.records import DayResult, HistoryDay, Track
from calling_pipeline.defs.call_batches.metadata import about_day, about_results, about_sources
from calling_pipeline.defs.call_stats.checks import CHECKS
from calling_pipeline.defs.call_stats.metadata import about_agents, about_grades, about_hours, about_records, about_tasks
from calling_pipeline.defs.checks import Verdict, judge, verdicts_on
from calling_pipeline.runtime import Runtime

Page = Mapping[str, Any]


def page_of(runtime: Runtime, asset: str, day: dt.date | None) -> Page | None:
    """The metadata of a materialization or observation of `asset`; None when the tables hold nothing of that day."""
    if asset == SOURCE_TABLES:
        return about_sources(runtime)
    if day is None or asset not in _PAGES:
        return {}
    return _PAGES[asset](runtime, day)


def verdicts_of(runtime: Runtime, asset: str, day: dt.date | None) -> list[Verdict]:
    """Every check of `asset`, judged now: of `day`, and of what has no day."""
    if asset not in CHECKS or day is None:
        return verdicts_on(runtime, asset, day)

    def facts(day: dt.date = day) -> DayFacts:
        with runtime.transaction() as connection:
            return day_facts(connection, day)

    return judge(asset, CHECKS[asset], facts, day)


def _call_records(runtime: Runtime, day: dt.date) -> Page | None:
    result = _stored(runtime, "grade", day)
    return about_records(result) if result else None


def _task_stats_cache(runtime: Runtime, day: dt.date) -> Page | None:
    result = _stored(runtime, "task", day)
    return about_tasks(result, _week_before(runtime, day)) if result and result.stats else None


def _week_before(runtime: Runtime, day: dt.date) -> HistoryDay | None:
    with runtime.transaction() as connection:
        return next(iter(history.read_weekdays(connection, day, weeks=1)), None)


def _stored(runtime: Runtime, track: Track, day: dt.date) -> DayResult | None:
    """The newest read of the day, as the sync returned it."""
    with runtime.transaction() as connection:
        proof = store.latest_proof(connection, track, day)
        stats = store.read_day(connection, track, day)
    return DayResult(day, track, "stored", proof, stats, proof.elapsed_s) if proof else None


def _grade_stats_cache(runtime: Runtime, day: dt.date) -> Page | None:
    with runtime.transaction() as connection:
        cached = store.read_grade_day(connection, day)
    return about_grades(cached, _week_before(runtime, day)) if cached else None


def _agent_ranking(runtime: Runtime, day: dt.date) -> Page | None:
    with runtime.transaction() as connection:
        return about_agents(store.read_agents(connection, day))


def _hourly_orders(runtime: Runtime, day: dt.date) -> Page | None:
    with runtime.transaction() as connection:
        return about_hours(store.read_hours(connection, day), store.read_hours(connection, day - dt.timedelta(weeks=1)))


_PAGES: Mapping[str, Callable[[Runtime, dt.date], Page | None]] = {
    "call_records": _call_records,
    "task_stats_cache": _task_stats_cache,
    "grade_stats_cache": _grade_stats_cache,
    "agent_ranking": _agent_ranking,
    "hourly_orders": _hourly_orders,
    "call_results": about_results,
    "call_batches": lambda runtime, day: about_day(runtime, day.isoformat()),
}
