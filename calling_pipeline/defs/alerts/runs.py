"""What runs that ended say of the assets and days they were about: what they left undone, what they did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRun, EventLogEntry

from calling_pipeline.alerts.records import Condition
from calling_pipeline.defs.alerts.texts import day_or_none, run_condition, run_name, run_reason, run_title
from calling_pipeline.defs.naming import is_ours, plain, plain_name
from calling_pipeline.defs.windows import PARTITION, RANGE_START, days_of_run

Pair = tuple[str, dt.date | None]
"""An asset (or a job without assets) and the day; None when it has none."""
Upstream = Mapping[str, Set[str]]
"""Asset → the assets it depends on directly."""
_OF_RUN = {
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.STEP_FAILURE,
}


@dataclass(frozen=True)
class Ended:
    """A run that ended: what it left undone, and what it did."""

    failing: Sequence[Condition]
    done: Set[str]
    """Names of run conditions that are good now."""


def ended_run(instance: DagsterInstance, event: int, entry: EventLogEntry, upstream: Upstream) -> Ended | None:
    """What the end `entry` of a run (with storage id `event`) means; None for one of another centre, or no longer stored.

    A cancelled run leaves undone what it planned and did not store, as a failed one does: a warning, since a person or the
    time limit ended it on purpose.
    """
    run = instance.get_run_by_id(entry.run_id)
    if run is None or not is_ours(run):
        return None
    records = instance.get_records_for_run(entry.run_id, of_type=_OF_RUN, limit=20_000).records
    events = [record.event_log_entry.dagster_event for record in records]
    planned = {pair for one in events if one and one.is_asset_materialization_planned for pair in _planned(one, run)}
    stored = {
        (plain(one.step_materialization_data.materialization.asset_key), day_or_none(one.partition))
        for one in events
        if one and one.is_step_materialization
    }
    own = {(plain_name(run.job_name), day) for day in _days(run)}
    kind = entry.dagster_event.event_type if entry.dagster_event else None
    if kind == DagsterEventType.RUN_SUCCESS:
        return Ended([], {run_name(*pair) for pair in planned | stored | own})
    cancelled = kind == DagsterEventType.RUN_CANCELED
    undone = first_undone(planned, stored, upstream)
    if not undone and not (cancelled and planned):
        undone = own
    errors = [one.step_failure_data.error for one in events if one and one.is_step_failure]
    reason = run_reason(entry.message or "", [] if cancelled else [error for error in errors if error])
    title = run_title(run, sorted({asset for asset, _ in planned}))
    failing = [
        run_condition(run, asset, day, event, title=title, reason=reason, severity="warning" if cancelled else "error")
        for asset, day in sorted(undone, key=str)
    ]
    return Ended(failing, {run_name(*pair) for pair in stored})


def first_undone(planned: Set[Pair], stored: Set[Pair], upstream: Upstream) -> set[Pair]:
    """What was planned and not stored, of each day only the assets that waited for no other of these."""
    missing = planned - stored
    return {
        (asset, day)
        for asset, day in missing
        if not any((before, day) in missing for before in upstream.get(asset, frozenset()))
    }


def upstream_of(repository: dg.RepositoryDefinition | None) -> Upstream:
    """Direct dependencies of every asset of the code location."""
    if repository is None:
        return {}
    graph = repository.asset_graph
    return {plain(key): {plain(parent) for parent in graph.get(key).parent_keys} for key in graph.get_all_asset_keys()}


def _planned(event: dg.DagsterEvent, run: DagsterRun) -> list[Pair]:
    """Of a run over a range that is planned as a whole: each of its days."""
    data = event.asset_materialization_planned_data
    asset = plain(data.asset_key)
    if data.partition:
        return [(asset, day_or_none(data.partition))]
    if data.partitions_subset is not None:
        return [(asset, day_or_none(key)) for key in data.partitions_subset.get_partition_keys()]
    return [(asset, None)]


def _days(run: DagsterRun) -> Sequence[dt.date | None]:
    """The days of a run, as its tags say; runs of other projects may have partitions that are no days."""
    if RANGE_START in run.tags and day_or_none(run.tags[RANGE_START]):
        return days_of_run(run.tags)
    return [day_or_none(run.tags.get(PARTITION))]
