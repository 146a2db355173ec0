"""Prunes Dagster's own runs and events, which Dagster never does.

What a person can still see stays: the run behind the newest materialization of every partition keeps its row and its
asset events.
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from calling_pipeline.database.sql import load

RUNS_AT_ONCE = 5000

_SUPERSEDED_RUNS = load("defs/housekeeping/superseded_runs")
_DELETE_OPERATIONAL_EVENTS = load("defs/housekeeping/delete_operational_events")


@dataclass(frozen=True)
class Pruned:
    """Rows and folders removed."""

    runs: int
    operational_events: int
    log_folders: int


def prune(instance: dg.DagsterInstance, before: dt.datetime) -> Pruned:
    """Remove finished runs from before `before` that no partition's newest state rests on.

    Of the runs that must stay, the step-by-step events are removed. Raises `TypeError` when the instance does not keep
    its events in SQL.
    """
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage  # noqa: PLC0415 - alembic: 300 ms

    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"{type(storage).__name__} does not keep its events in SQL")
    naive_utc = before.astimezone(dt.UTC).replace(tzinfo=None)  # as Dagster writes create_timestamp
    with storage.index_connection() as connection:
        superseded = connection.execute(_SUPERSEDED_RUNS, {"before": naive_utc, "limit": RUNS_AT_ONCE}).scalars().all()
    for run_id in superseded:
        instance.delete_run(run_id)
    folders = sum(_remove_folder(Path(instance.storage_directory()) / run_id) for run_id in superseded)
    with storage.index_connection() as connection:
        events = connection.execute(_DELETE_OPERATIONAL_EVENTS, {"before": naive_utc}).rowcount
    return Pruned(len(superseded), events, folders)


def _remove_folder(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True
