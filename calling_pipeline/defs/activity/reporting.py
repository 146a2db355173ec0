"""Reports work outside Dagster's runs: the asset's materialization, and its checks judged as a run judges them.

A report that is interrupted is made again: it may appear twice, it does not get lost.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.activity import store
from calling_pipeline.activity.records import Activity
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.call_batches.records import SOURCE_TABLES
from calling_pipeline.defs.activity.pages import page_of, verdicts_of
from calling_pipeline.defs.activity.store import report_evaluation
from calling_pipeline.defs.alerts.texts import run_name
from calling_pipeline.defs.checks import newest_materialization
from calling_pipeline.defs.console import in_console, with_runbook
from calling_pipeline.defs.naming import asset_key
from calling_pipeline.runtime import Runtime

AT_ONCE = 50
LONGEST_S = 20.0
"""A tick has a minute; what is left is reported by the next one."""


def report_outside_work(instance: dg.DagsterInstance, runtime: Runtime) -> int:
    """Report what was noted, oldest first; returns how many assets and days were reported.

    Of what is reported together the newest day comes last: the UI's page of an asset leads with what was shown last.
    """
    with runtime.transaction() as connection:
        noted = sorted(store.unreported(connection, limit=AT_ONCE), key=lambda one: one.day or dt.date.max)
    began, reported = time.monotonic(), 0
    for activity in noted:
        if time.monotonic() - began > LONGEST_S:
            break
        if activity.day is None or runtime.settings.first_partition() <= activity.day <= days.today():
            _report(instance, runtime, activity)
            reported += 1
        with runtime.transaction() as connection:
            store.forget(connection, activity)
    return reported


def _report(instance: dg.DagsterInstance, runtime: Runtime, activity: Activity) -> None:
    """A blocking check that fails keeps the day from being shown as materialized, as it does in a run."""
    asset, day = activity.asset, activity.day
    page = page_of(runtime, asset, day) if activity.changed else None
    verdicts = verdicts_of(runtime, asset, day)
    done = page is not None and not any(verdict.blocks for verdict in verdicts)
    if done:
        instance.report_runless_asset_event(
            _event(activity, {**(page or {}), **activity.numbers, **in_console(runtime, asset, day)})
        )
    target = newest_materialization(instance, asset, day)
    if done and target is not None:
        _close_undone(runtime, activity, target.storage_id)
    for verdict in verdicts:
        judged = target if verdict.day == day else None
        page = {**in_console(runtime, asset, verdict.day), **with_runbook(runtime, "check")}
        report_evaluation(instance, verdict.evaluation(judged, page))


def _event(activity: Activity, metadata: Mapping[str, Any]) -> dg.AssetMaterialization | dg.AssetObservation:
    """What is read and not made by us is observed."""
    key, partition = asset_key(activity.asset), activity.day.isoformat() if activity.day else None
    if activity.asset == SOURCE_TABLES:
        return dg.AssetObservation(key, metadata=metadata, partition=partition)
    return dg.AssetMaterialization(key, metadata={**metadata, "outside_a_run": _said(activity)}, partition=partition)


def _close_undone(runtime: Runtime, activity: Activity, event: int) -> None:
    """What a failed run left undone is done. `event`: the id in Dagster's log, by which the next failed run is newer."""
    with runtime.transaction() as connection:
        known = alert_store.open_condition(connection, run_name(activity.asset, activity.day))
        if known is not None:
            said = f"done outside a run{f' by {activity.by}' if activity.by else ''}"
            conditions.observe(connection, conditions.recovered(known, event, said))


def _said(activity: Activity) -> str:
    times = f"{activity.times} times, " if activity.times > 1 else ""
    return f"{times}{days.wall_clock(activity.noted_at)}{f' by {activity.by}' if activity.by else ''}"
