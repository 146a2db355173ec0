"""The composition root of the Dagster project: settings → runtime → everything in `defs/`. Opens no connection."""

from __future__ import annotations

import importlib

import dagster as dg

from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline.runtime import Runtime

ROOMS: tuple[str, ...] = (
    "call_stats",
    "call_batches",
    "task_ledger",
    "notifications",
    "sensors.alerts",
    "housekeeping",
)
"""Modules of `defs/`, each with `definitions(daily: DailyPartitionsDefinition) -> Definitions`."""


def build(runtime: Runtime) -> dg.Definitions:
    """The code location over `runtime`; tests pass one of their own."""
    daily = daily_partitions(runtime.settings.partition_start)
    rooms = [importlib.import_module(f"calling_pipeline.defs.{name}").definitions(daily) for name in ROOMS]
    shared = dg.Definitions(resources={"runtime": runtime}, executor=dg.in_process_executor)
    return dg.Definitions.merge(shared, *rooms)


defs = build(Runtime.load())
