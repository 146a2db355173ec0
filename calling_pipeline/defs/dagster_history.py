"""Pruning of Dagster's own runs and events, which Dagster never does. What a person can still see stays: the run behind the
newest materialization of every partition keeps its row and its asset events."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

RUNS_AT_ONCE = 5000

_SUPERSEDED_RUNS = sa.text("""
    WITH needed AS (
        SELECT DISTINCT ON (asset_key, partition) run_id FROM event_logs
        WHERE dagster_event_type = 'ASSET_MATERIALIZATION' ORDER BY asset_key, partition, id DESC)
    SELECT run_id FROM runs
    WHERE status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND create_timestamp < :before
      AND run_id NOT IN (SELECT run_id FROM needed)
    ORDER BY id LIMIT :limit""")

_OPERATIONAL_EVENTS = sa.text("""
    DELETE FROM event_logs
    WHERE asset_key IS NULL
      AND coalesce(dagster_event_type, '') NOT IN
          ('ASSET_CHECK_EVALUATION', 'ASSET_CHECK_EVALUATION_PLANNED', 'FRESHNESS_STATE_CHANGE')
      AND run_id IN (SELECT run_id FROM runs
                     WHERE status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND create_timestamp < :before)""")


@dataclass(frozen=True)
class Pruned:
    """Rows and folders removed."""

    runs: int
    operational_events: int
    log_folders: int


def prune(instance: dg.DagsterInstance, before: dt.datetime) -> Pruned:
    """Remove finished runs begun before `before` that no partition's newest state rests on, and the step-by-step events
    of those that must stay. Raises `TypeError` when the instance does not keep its events in SQL."""
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
        events = connection.execute(_OPERATIONAL_EVENTS, {"before": naive_utc}).rowcount
    return Pruned(len(superseded), events, folders)


def _remove_folder(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True
