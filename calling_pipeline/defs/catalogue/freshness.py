"""By when an asset must have been materialized, as Dagster's freshness policies; they follow the schedules.

A policy looks at the newest materialization of any day. That a given day is there and was read in time is judged by the
checks and by the sensor `stale_cache_alerts`.
"""

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from calling_pipeline.settings import Settings

_HOUR = dt.timedelta(hours=1)


def _by(cron: str, within: dt.timedelta = _HOUR) -> dg.FreshnessPolicy:
    """At every tick of `cron` the newest materialization is at most `within` old."""
    return dg.FreshnessPolicy.cron(deadline_cron=cron, lower_bound_delta=within, timezone="Asia/Shanghai")


_ALWAYS: Mapping[str, dg.FreshnessPolicy] = {
    **dict.fromkeys(("call_records", "grade_stats_cache", "agent_ranking", "hourly_orders"), _by("30 9-23 * * *")),
    "task_stats_cache": _by("30 9-23 * * *"),
    "daily_history": _by("30 8 * * *", dt.timedelta(hours=2)),
    "extension_pool": _by("25 8-21 * * *"),
    "communication_records": _by("0 7,10,12,14,16,18,20,22 * * *"),
    "task_usage": _by("0 1,13 * * *"),
}
_CONTRACTS = {"contract_notifications": _by("30 8-21 * * *")}
_TECHNICIANS = {"technician_notifications": _by("*/30 * * * *", dt.timedelta(minutes=30))}


def policies(settings: Settings) -> Mapping[str, dg.FreshnessPolicy]:
    """The policies by asset; messages have one only where their schedule has something to read."""
    return {
        **_ALWAYS,
        **(_CONTRACTS if settings.contract_ledgers else {}),
        **(_TECHNICIANS if settings.wecom_robots else {}),
    }
