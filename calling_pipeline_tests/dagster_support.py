"""A Dagster instance of a test's own, and what its UI would show, read the way Dagster's GraphQL server reads it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy.engine import URL

from calling_pipeline.database.engine import dagster_url
from calling_pipeline.defs.instance.connections import share_connections

NO_COMPUTE_LOGS = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
"""Dagster's own manager starts processes that read a run's output and does not wait for their end."""


@contextmanager
def instance_on(url: URL, folder: Path) -> Iterator[dg.DagsterInstance]:
    """An instance whose storage is the PostgreSQL database at `url`, as in production."""
    whole = dagster_url(url.render_as_string(hide_password=False)).render_as_string(hide_password=False)
    storage = {"postgres": {"postgres_url": whole}}
    with dg.instance_for_test(temp_dir=str(folder), overrides={"storage": storage, "compute_logs": NO_COMPUTE_LOGS}) as made:
        share_connections(whole, made.run_storage, made.event_log_storage, made.schedule_storage)
        try:
            yield made
        finally:
            made.run_storage._engine.dispose()  # type: ignore[attr-defined]  # the pool that it has now


def check_rows(instance: dg.DagsterInstance, **wanted: str) -> Counter[tuple[str, str, str | None, str]]:
    """How often each (asset, check, partition, status) stands in `asset_check_executions`; `wanted`: columns' values."""
    table = AssetCheckExecutionsTable.c
    query = sa.select(table.asset_key, table.check_name, table.partition, table.execution_status)
    query = query.where(*(table[name] == value for name, value in wanted.items()))
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    with storage.index_connection() as connection:
        rows = connection.execute(query).all()
    return Counter((dg.AssetKey.from_db_string(row[0]).to_user_string(), row[1], row[2], row[3]) for row in rows)


def colours(
    instance: dg.DagsterInstance, asset: str, check: str, daily: dg.PartitionsDefinition, days: Iterable[dt.date]
) -> dict[str, str]:
    """The status of each day in the partition view of a check; a day never judged is `MISSING`."""
    key = (dg.AssetCheckKey(dg.AssetKey(asset), check), daily)
    subsets = instance.event_log_storage.get_asset_check_state([key])[key[0]].subsets
    found = {
        partition: status.value
        for status, subset in subsets.items()
        for partition in subset.subset_value.get_partition_keys()
    }
    return {day.isoformat(): found.get(day.isoformat(), "MISSING") for day in days}


def partitions(
    instance: dg.DagsterInstance, asset: str, daily: dg.PartitionsDefinition, days: Iterable[dt.date]
) -> dict[str, str]:
    """The status of each day in the partition view of an asset: MATERIALIZED, FAILED or MISSING."""
    keys = [day.isoformat() for day in days]
    found = instance.get_status_by_partition(dg.AssetKey(asset), keys, daily) or {}
    return {key: status.value if (status := found.get(key)) else "MISSING" for key in keys}
