"""The daily partitions of every asset: from the configured first day to today, in Asia/Shanghai."""

from __future__ import annotations

import datetime as dt

import dagster as dg


def daily_partitions(first_day: dt.date) -> dg.DailyPartitionsDefinition:
    """Days `first_day` … today, today included."""
    return dg.DailyPartitionsDefinition(first_day.isoformat(), timezone="Asia/Shanghai", end_offset=1)
