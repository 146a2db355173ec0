"""Days and the tags of a run: how a range of partitions is asked for in one run, and read back from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import dagster as dg

from calling_pipeline import days
from calling_pipeline.call_stats.records import SyncType
from calling_pipeline.defs.naming import plain

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
PARTITION = "dagster/partition"
SYNC_TYPE = "calling/sync_type"


def range_tags(first: dt.date, last: dt.date, sync_type: SyncType) -> dict[str, str]:
    """Tags of one run over `first` … `last`."""
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat(), SYNC_TYPE: sync_type}


def days_of_run(tags: Mapping[str, str]) -> list[dt.date]:
    """The days a run is about; without partitions (a check executed alone) T-10 … today."""
    if PARTITION in tags:
        return [days.parse_day(tags[PARTITION])]
    if RANGE_START in tags:
        return days.day_range(days.parse_day(tags[RANGE_START]), days.parse_day(tags[RANGE_END]))
    return days.day_range(days.today() - dt.timedelta(days=10), days.today())


def parse_keys(keys: Sequence[str]) -> list[dt.date]:
    """Partition keys as days."""
    return [days.parse_day(key, field="partition") for key in keys]


def assets_of_run(context: dg.AssetExecutionContext) -> frozenset[str]:
    """The assets that the run of `context` materializes, those of its other steps included."""
    return frozenset(plain(key) for key in context.op_execution_context.job_def.asset_layer.selected_asset_keys)
