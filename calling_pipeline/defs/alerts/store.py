"""Reads Dagster's ticks: its own method for many schedules and sensors fails when it is asked for finished ones only."""

from __future__ import annotations

from collections.abc import Sequence

from dagster import DagsterInstance
from dagster._core.scheduler.instigation import InstigatorTick, TickData
from dagster_shared.serdes import deserialize_value

from calling_pipeline.database.sql import load

_NEWEST_TICKS = load("defs/alerts/newest_ticks")


def newest_ticks(instance: DagsterInstance, selectors: Sequence[str]) -> dict[str, InstigatorTick]:
    """The newest finished tick of each of these schedules and sensors, by selector; one query."""
    storage = instance.schedule_storage
    if storage is None or not hasattr(storage, "connect") or not selectors:  # kept in SQL: its class brings Alembic along
        return {}
    with storage.connect() as connection:
        rows = connection.execute(_NEWEST_TICKS, {"selectors": list(selectors)}).all()
    return {row.selector_id: InstigatorTick(row.id, deserialize_value(row.tick_body, TickData)) for row in rows}
