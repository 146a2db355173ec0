"""What the UI shows about the stats assets: the columns' meaning, and a day's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from calling_pipeline.call_stats.records import AgentRank, DayResult, FetchProof, GradeDay, HourlyOrders, TaskDay

COLUMNS: Mapping[str, str] = {
    "date": "business day (Asia/Shanghai)",
    "grade_9": "9-yuan orders",
    "grade_1": "1-yuan orders",
    "total_success": "grade_9 + grade_1",
    "total_records": "call records of the day",
    "calculated_at": "when the numbers were computed",
    "elapsed_time": "seconds of reading and counting",
    "sync_type": "long_historical (T-10), historical (T-3), today or manual",
    "fetch_number": "the read the numbers come from; its proof is in fetch_proofs",
    "total_tasks": "dialling tasks",
    "callout_number": "calls dialled",
    "called_number": "calls connected",
    "success_number": "successes the vendor counts",
    "connected_rate": "percentage connected, two decimals",
    "id": "CDR id of the vendor",
    "called_at": "when it was dialled",
    "call_state": "0 not dialled, 1 not connected, 2 connected",
    "duration_s": "seconds of talk",
    "grade": "purchase intent as the vendor sent it",
    "order_yuan": "9, 1 or 0: the grade rule's judgement",
    "agent_id": "agent account, empty for none",
    "phone_masked": "callee, masked",
    "phone_hash": "keyed hash of the full number",
    "position": "rank by orders",
    "talk_s": "seconds of talk",
    "orders": "grade_9 + grade_1",
    "hour": "hour of the day, 0 … 23",
}
"""Column name → what it holds, for every table of the room."""
_BAR = 24


def about_proof(proof: FetchProof, elapsed_s: float) -> dict[str, Any]:
    """A read's proof as metadata."""
    return {
        "window": f"{proof.window_start:%Y-%m-%d %H:%M:%S} … {proof.window_end:%Y-%m-%d %H:%M:%S}",
        "mode": proof.mode,
        "complete": proof.complete,
        "reported_total": proof.reported_total,
        "distinct_ids": proof.distinct_ids,
        "pages": proof.pages,
        "pages_read_again": proof.pages_read_again,
        "retries": proof.retries,
        "elapsed_s": round(elapsed_s, 3),
        "fetch_number": proof.fetch_number,
    }


def about_records(result: DayResult) -> dict[str, Any]:
    """One day of `call_records`."""
    proof = result.proof
    return {
        **about_proof(proof, result.elapsed_s),
        "dagster/partition_row_count": proof.distinct_ids,
        "outcome": result.outcome,
        "rows_added": proof.rows_added,
        "rows_changed": proof.rows_changed,
        "rows_removed": proof.rows_removed,
        "unknown_grades": dg.MetadataValue.json(dict(proof.unknown_grades)),
        "new_fields": dg.MetadataValue.json(dict(proof.new_fields)),
        "missing_fields": dg.MetadataValue.json(dict(proof.missing_fields)),
    }


def about_tasks(result: DayResult) -> dict[str, Any]:
    """One day of `task_stats_cache`."""
    stats = result.stats
    assert isinstance(stats, TaskDay)
    return {
        **about_proof(result.proof, result.elapsed_s),
        "dagster/partition_row_count": 1,
        "outcome": result.outcome,
        "total_tasks": stats.total_tasks,
        "callout_number": stats.callout_number,
        "called_number": stats.called_number,
        "success_number": stats.success_number,
        "connected_rate": float(stats.connected_rate),
    }


def about_grades(cached: GradeDay) -> dict[str, Any]:
    """One day of `grade_stats_cache`."""
    return {
        "dagster/partition_row_count": 1,
        "grade_9": cached.grade_9,
        "grade_1": cached.grade_1,
        "total_success": cached.total_success,
        "total_records": cached.total_records,
        "elapsed_s": cached.elapsed_time,
        "sync_type": cached.sync_type,
        "complete": cached.complete,
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
    return {"dagster/partition_row_count": len(ranked), "orders": sum(row.orders for row in ranked), **best}


def about_hours(hours: Sequence[HourlyOrders]) -> dict[str, Any]:
    """One day of `hourly_orders`, as one bar per hour."""
    busiest = max(hours, key=lambda row: row.orders, default=None)
    return {
        "dagster/partition_row_count": len(hours),
        "orders": sum(row.orders for row in hours),
        **({"busiest_hour": busiest.hour} if busiest else {}),
        "orders_by_hour": dg.MetadataValue.md(_bars((f"{row.hour:02d}:00", row.orders) for row in hours)),
    }


def _bars(values: Iterable[tuple[str, int]]) -> str:
    rows = list(values)
    largest = max((count for _, count in rows), default=0) or 1
    lines = [f"| {name} | {count} | `{'█' * round(_BAR * count / largest)}` |" for name, count in rows]
    return "\n".join(["| hour | orders | |", "| --- | ---: | --- |", *lines])
