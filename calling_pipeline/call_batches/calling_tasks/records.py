"""A calling task as it is configured: from where its rows come, when it runs, and by which rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calling_pipeline.call_batches.calling_tasks.best_time.records import BestTime
from calling_pipeline.call_batches.calling_tasks.redials.records import RedialRule

MAPPED: tuple[str, ...] = ("mobile_phone", "staff_name", "sys_name", "order_type", "order_nums", "row_key")


@dataclass(frozen=True)
class Source:
    """Where a calling task's rows come from: a table and, for each field of a call, a column or None."""

    schema: str
    table: str
    mobile_phone: str
    staff_name: str | None = None
    sys_name: str | None = None
    order_type: str | None = None
    order_nums: str | None = None
    row_key: str | None = None

    @property
    def columns(self) -> dict[str, str]:
        """Field → column, for the fields that have one."""
        return {name: column for name in MAPPED if (column := getattr(self, name))}


@dataclass(frozen=True)
class CallingTask:
    """One row of `calling_tasks`."""

    id: int
    name: str
    cron: str
    source: Source
    enabled: bool
    remark: str
    recall_days: int | None
    rate_per_s: float | None
    policy: Mapping[str, Any]
    ticks_from: dt.datetime
    refused_days: int | None = None
    expires_after_s: int | None = None
    redial: tuple[RedialRule, ...] = ()
    land_lines: bool = False
    best_time: BestTime | None = None
