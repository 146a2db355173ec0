"""Where things stand in the console: the paths that alerts, Dagster's metadata and the pages themselves lead to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

_OF_ASSETS: Mapping[str, str] = {
    "call_records": "/stats",
    "task_stats_cache": "/stats",
    "grade_stats_cache": "/stats",
    "agent_ranking": "/stats",
    "hourly_orders": "/stats",
    "daily_history": "/stats",
    "call_batches": "/batches",
    "call_history": "/batches",
    "call_results": "/batches",
    "contract_notifications": "/notifications",
    "technician_notifications": "/notifications/technicians",
    "task_usage": "/ledger",
    "daily_report": "/reports",
    "weekly_report": "/reports",
    "monthly_report": "/reports",
    "extension_pool": "/telephony",
    "communication_records": "/telephony/calls",
}
ASSETS = frozenset(_OF_ASSETS)
"""The assets that Dagster materializes."""

ALERTS = "/alerts"
RUNBOOKS = "/runbooks"


def of_day(day: dt.date | str) -> str:
    """The statistics of one day."""
    return f"/stats?date={day}"


def of_batch(number: int | str) -> str:
    """One call batch."""
    return f"/batches/{number}"


def of_calling_task(number: int | str) -> str:
    """One calling task: its form."""
    return f"/batches/tasks/{number}"


def of_messages(box: str, state: str) -> str:
    """The messages of an outbox (`contracts`, `technicians`) in one state."""
    return f"/notifications/{box}/messages?state={state}"


def of_report(kind: str, label: str) -> str:
    """The report of one period."""
    return f"/reports/{kind}/{label}"


def of_alert(number: int) -> str:
    """One condition with its history and what to do."""
    return f"{ALERTS}/{number}"


def of_runbook(kind: str) -> str:
    """What to do about alerts of one kind, at length."""
    return f"{RUNBOOKS}/{kind}"


def of_asset(asset: str, day: dt.date | str | None = None) -> str:
    """The page that shows what an asset holds, of its day where the page knows days; empty where there is none."""
    if asset.endswith("_report") and day is not None:
        return of_report(asset.removesuffix("_report"), str(day))
    path = _OF_ASSETS.get(asset, "")
    return of_day(day) if path == "/stats" and day is not None else path
