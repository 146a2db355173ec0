"""What the UI shows about a day of the stats assets: its numbers first, then the proof of the read in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from calling_pipeline.call_stats.records import AgentRank, DayResult, FetchProof, GradeDay, HistoryDay, HourlyOrders, TaskDay
from calling_pipeline.call_stats.trend.records import TrendDay

_TASK_NUMBERS = ("callout_number", "called_number", "connected_rate", "success_number", "total_tasks")
_GRADE_NUMBERS = ("total_success", "grade_9", "grade_1", "total_records")
_PROOF = (
    "fetch_number", "mode", "sync_type", "reported_total", "rows_fetched", "distinct_ids", "pages", "pages_read_again",
    "retries", "rows_added", "rows_changed", "rows_removed", "late_rows", "outside_day",
)  # fmt: skip
_HOURLY = ("calls", "connected", "orders")
_BAR = 10


def about_records(result: DayResult) -> dict[str, Any]:
    """One day of `call_records`."""
    proof = result.proof
    return {
        "dagster/partition_row_count": proof.distinct_ids,
        "call_records": proof.distinct_ids,
        "rows_changed": proof.rows_changed,
        "unknown_grades": sum(proof.unknown_grades.values()),
        **_speed(proof, result.elapsed_s),
        "outcome": result.outcome,
        **about_proof(proof),
    }


def about_tasks(result: DayResult, before: HistoryDay | None = None) -> dict[str, Any]:
    """One day of `task_stats_cache`; `before`: the same weekday of the week before."""
    stats = result.stats
    assert isinstance(stats, TaskDay)
    values = {name: _plain(getattr(stats, name)) for name in _TASK_NUMBERS}
    return {
        "dagster/partition_row_count": 1,
        "numbers": _numbers(values, before),
        **values,
        **_speed(result.proof, result.elapsed_s),
        "outcome": result.outcome,
        **about_proof(result.proof),
    }


def about_grades(cached: GradeDay, before: HistoryDay | None = None) -> dict[str, Any]:
    """One day of `grade_stats_cache`; `before`: the same weekday of the week before."""
    values = {name: _plain(getattr(cached, name)) for name in _GRADE_NUMBERS}
    return {
        "dagster/partition_row_count": 1,
        "numbers": _numbers(values, before),
        **values,
        "elapsed_s": cached.elapsed_time,
        **(about_proof(cached.proof) if cached.proof else {"complete": False}),
    }


def about_agents(ranked: Sequence[AgentRank]) -> dict[str, Any]:
    """One day of `agent_ranking`, the best ten as a table."""
    records = [
        dg.TableRecord(
            {
                "position": row.position,
                "agent": row.agent_id or "(none)",
                "orders": row.orders,
                "9 yuan": row.grade_9,
                "1 yuan": row.grade_1,
                "calls": row.calls,
                "connected": row.connected,
                "talk_min": round(row.talk_s / 60, 1),
            }
        )
        for row in ranked[:10]
    ]
    best = {"best_ten": dg.MetadataValue.table(records)} if records else {}
    return {
        "dagster/partition_row_count": len(ranked),
        "orders": sum(row.orders for row in ranked),
        "agents": sum(1 for row in ranked if row.agent_id),
        **best,
    }


def about_hours(hours: Sequence[HourlyOrders], before: Sequence[HourlyOrders] = ()) -> dict[str, Any]:
    """One day of `hourly_orders` beside the same weekday a week before, hour by hour with a bar of the calls."""
    busiest = max(hours, key=lambda row: row.calls, default=None)
    records = _hour_records(hours, before)
    return {
        "dagster/partition_row_count": len(hours),
        **{name: sum(getattr(row, name) for row in hours) for name in _HOURLY},
        **({"busiest_hour": busiest.hour} if busiest else {}),
        "by_hour": dg.MetadataValue.table(records, _HOUR_COLUMNS) if records else "no call yet",
    }


def about_history(row: HistoryDay, before: HistoryDay | None = None) -> dict[str, Any]:
    """One day of `daily_history`, beside `before`, the same weekday of the week before.

    A track that never read the day has no numbers.
    """
    names = (*_TASK_NUMBERS, *_GRADE_NUMBERS)
    values = {name: _plain(getattr(row, name)) for name in names if getattr(row, name) is not None}
    reads = {
        f"{track}_read": f"read {number}, {calculated_at:%Y-%m-%d %H:%M:%S}"
        for track, number, calculated_at in (
            ("task", row.task_fetch_number, row.task_calculated_at),
            ("grade", row.grade_fetch_number, row.grade_calculated_at),
        )
        if number is not None
    }
    return {"dagster/partition_row_count": 1, "numbers": _numbers(values, before), **values, **reads}


def about_trend(day: TrendDay) -> dict[str, Any]:
    """The figures of the day in the trend, those of the analysis `trend`; what is not known is left out."""
    names = ("order_rate", "orders_mean_7", "connected_rate_mean_7", "orders_week_before")
    return {name: getattr(day, name) for name in names if getattr(day, name) is not None}


def about_proof(proof: FetchProof) -> dict[str, Any]:
    """Whether the read is complete, and its whole proof as one table."""
    shown: dict[str, Any] = {
        "window": f"{proof.window_start:%Y-%m-%d %H:%M:%S} … {proof.window_end:%Y-%m-%d %H:%M:%S}",
        "started_at": f"{proof.started_at:%Y-%m-%d %H:%M:%S}",
        **{name: getattr(proof, name) for name in _PROOF},
        "unknown_grades": _listed(proof.unknown_grades),
        "new_fields": _listed(proof.new_fields),
        "missing_fields": _listed(proof.missing_fields),
    }
    records = [dg.TableRecord({"of the read": name, "value": str(value)}) for name, value in shown.items()]
    return {"complete": proof.complete, "proof": dg.MetadataValue.table(records)}


def _speed(proof: FetchProof, elapsed_s: float) -> dict[str, float]:
    """Seconds of the sync, and of the vendor per page, for the plots."""
    return {"elapsed_s": round(elapsed_s, 3), "s_per_page": round(proof.elapsed_s / max(proof.pages, 1), 3)}


def _numbers(values: Mapping[str, int | float], before: HistoryDay | None) -> dg.TableMetadataValue:
    """A day's numbers beside those of a week before. What each means is in the page's table of columns."""
    records = []
    for name, value in values.items():
        earlier = getattr(before, name, None)
        then = None if earlier is None else str(_plain(earlier))
        records.append(dg.TableRecord({"number": name, "value": str(value), "week before": then}))
    columns = [dg.TableColumn(name) for name in ("number", "value", "week before")]
    return dg.MetadataValue.table(records, dg.TableSchema(columns))


_HOUR_COLUMNS = dg.TableSchema(
    [
        dg.TableColumn("hour"),
        *(dg.TableColumn(name, description="this hour, in brackets a week before") for name in _HOURLY),
        dg.TableColumn("by calls", description="█ this day, ░ more of them a week before"),
    ]
)


def _hour_records(hours: Sequence[HourlyOrders], before: Sequence[HourlyOrders]) -> list[dg.TableRecord]:
    """One row per hour; narrow, because the page cuts off what is wider than half of it."""
    now, then = ({row.hour: row for row in rows} for rows in (hours, before))
    largest = max((row.calls for row in (*hours, *before)), default=0) or 1
    records = []
    for hour in sorted(now.keys() | then.keys()):
        row, earlier = now.get(hour), then.get(hour)
        ours, theirs = (round(_BAR * (found.calls if found else 0) / largest) for found in (row, earlier))
        cells = {name: _beside(getattr(row, name, None), getattr(earlier, name, None)) for name in _HOURLY}
        bar = "█" * ours + "░" * max(theirs - ours, 0)
        records.append(dg.TableRecord({"hour": f"{hour:02d}:00", **cells, "by calls": bar}))
    return records


def _beside(now: int | None, before: int | None) -> str:
    """`283 (294)`; `283` where the week before has nothing."""
    return f"{'–' if now is None else now}{'' if before is None else f' ({before})'}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"


def _plain(value: Any) -> int | float:
    return value if isinstance(value, int) else float(value)
