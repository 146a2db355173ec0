"""Prunes Dagster's own history, which Dagster never does, and lets it forget partitions whose rows retention deleted.

What a person can still see stays: the run behind the newest materialization of every partition keeps its row and its
asset events, every check its newest result for every partition. What went well and was done again since (today is read
every ten minutes) keeps its row and its materializations, and loses the rest after `DETAILS_KEPT`. Everything is deleted in
pieces, each a transaction.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import sqlalchemy as sa

from calling_pipeline.centres import TAG
from calling_pipeline.database.sql import load
from calling_pipeline.defs.instance.events import sql_events
from calling_pipeline.defs.naming import CENTRE, asset_key

if TYPE_CHECKING:
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

RUNS_AT_ONCE = 5000
ROWS_AT_ONCE = 10_000
DETAILS_KEPT = dt.timedelta(days=1)

_SUPERSEDED_RUNS = load("defs/housekeeping/superseded_runs")
_DELETE_OPERATIONAL_EVENTS = load("defs/housekeeping/delete_operational_events")
_DELETE_DETAILS = load("defs/housekeeping/delete_details_of_superseded_runs")
_DELETE_CHECK_EXECUTIONS = load("defs/housekeeping/superseded_check_executions")
_WIPE_PARTITIONS = load("defs/housekeeping/wipe_partitions")
_WIPE_PARTITION_CHECKS = load("defs/housekeeping/wipe_partition_checks")


@dataclass(frozen=True)
class Pruned:
    """Rows and folders removed."""

    runs: int
    operational_events: int
    check_executions: int
    log_folders: int


def prune(instance: dg.DagsterInstance, before: dt.datetime, *, details_before: dt.datetime | None = None) -> Pruned:
    """Remove this centre's finished runs from before `before` on which no partition's newest state rests, and old results.

    Of the runs that must stay, the step-by-step events are removed; of those from before `details_before` that went well
    and were superseded too, and the results of checks that passed and were judged again. Raises `TypeError` when the
    instance does not keep its events in SQL.
    """
    storage = _sql_storage(instance)
    ours = {"centre": CENTRE, "others": _other_centres(instance)}
    old = {"before": _as_stored(before), "centre": CENTRE}
    with storage.index_connection() as connection:
        superseded = connection.execute(_SUPERSEDED_RUNS, {**old, "limit": RUNS_AT_ONCE}).scalars().all()
    for run_id in superseded:
        instance.delete_run(run_id)
    folders = sum(_remove_folder(Path(instance.storage_directory()) / run_id) for run_id in superseded)
    events = sum(_in_pieces(storage, _DELETE_OPERATIONAL_EVENTS, old))
    done_again = {"before": _as_stored(details_before or before), "centre": CENTRE}
    judged = {**old, **ours, "passed_before": done_again["before"]}
    checks = sum(_in_pieces(storage, _DELETE_CHECK_EXECUTIONS, judged))
    events += sum(_in_pieces(storage, _DELETE_DETAILS, done_again))
    return Pruned(len(superseded), events, checks, folders)


def _other_centres(instance: dg.DagsterInstance) -> list[str]:
    """The centres that have had runs here, without this process's."""
    found = instance.get_run_tags(tag_keys=[TAG])
    return sorted({value for _, values in found for value in values} - {CENTRE})


def _as_stored(instant: dt.datetime) -> dt.datetime:
    """As Dagster writes its timestamps: in UTC, without saying so."""
    return instant.astimezone(dt.UTC).replace(tzinfo=None)


def wipe_partitions(instance: dg.DagsterInstance, first_kept: Mapping[str, dt.date]) -> dict[str, int]:
    """Let Dagster show the partitions of assets before `first_kept` (by asset) as missing; how many it forgot, by asset.

    `DagsterInstance.wipe_asset_partitions` does not work with a storage in SQL ("not supported yet"). Runs stay as they
    are. Raises `TypeError` when the instance does not keep its events in SQL.
    """
    storage = _sql_storage(instance)
    forgotten = {}
    for name, first in first_kept.items():
        key = asset_key(name)
        values = {"asset_key": key.to_string(), "first_kept": first.isoformat()}
        partitions: set[str] = set()
        while wiped := _wiped(storage, values):
            partitions |= set(wiped)
        checks = sum(_in_pieces(storage, _WIPE_PARTITION_CHECKS, values))
        # also when nothing was deleted: a page that was open at the last time may have stored the old summary again
        storage.wipe_asset_cached_status(key)
        if partitions or checks:
            forgotten[name] = len(partitions)
    return forgotten


def _wiped(storage: SqlEventLogStorage, values: Mapping[str, Any]) -> list[str]:
    with storage.index_connection() as connection:
        return list(connection.execute(_WIPE_PARTITIONS, {**values, "limit": ROWS_AT_ONCE}).scalars())


def _in_pieces(storage: SqlEventLogStorage, statement: sa.TextClause, values: Mapping[str, Any]) -> Iterator[int]:
    """Run a statement that deletes at most `limit` rows until it finds none; rows deleted by each run."""
    while True:
        with storage.index_connection() as connection:
            deleted = connection.execute(statement, {**values, "limit": ROWS_AT_ONCE}).rowcount
        if not deleted:
            return
        yield deleted


def _sql_storage(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    storage = sql_events(instance)
    if storage is None:
        raise TypeError(f"{type(instance.event_log_storage).__name__} does not keep its events in SQL")
    return storage


def _remove_folder(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True
