"""The heartbeat: an outside watcher hears from us as long as all is well, so that silence alarms."""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from calling_pipeline import days, measures
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.analysis.dagster_storage.store import dagster_state
from calling_pipeline.analysis.status.judging import SILENT_AFTER_S
from calling_pipeline.call_stats.recent.views import scheduled_syncs
from calling_pipeline.database import kept_measures
from calling_pipeline.errors import CallingError
from calling_pipeline.runtime import Runtime
from calling_pipeline.vendors.url_guard import Reach
from calling_pipeline.vendors.watcher import beat

EVERY_S = 300


def send(runtime: Runtime) -> str:
    """One heartbeat when all is well; says what was done. Raises nothing: whatever fails here harms nothing else."""
    url = runtime.settings.heartbeat_url
    if url is None:
        return "CALLING_HEARTBEAT_URL names no watcher"
    wrong = _wrong(runtime)
    if wrong:
        measures.count(measures.HEARTBEATS, "withheld")
        return f"no heartbeat: {wrong}"
    failure = asyncio.run(beat(url.get_secret_value(), Reach.of(runtime.settings)))
    measures.count(measures.HEARTBEATS, "failed" if failure else "heard")
    return failure or _noted(runtime)


def _wrong(runtime: Runtime) -> str:
    """The first thing that is not well; empty when all is: daemons, syncs, alerts, and that the database takes a row."""
    try:
        dagster = dagster_state(runtime.existing_dagster_url, [])
        if dagster.unknown is not None:
            return f"Dagster's state is unknown: {dagster.unknown}"
        silent = [one.daemon for one in dagster.heartbeats if one.age_s > SILENT_AFTER_S]
        if silent or not dagster.heartbeats:
            return f"daemons of Dagster are silent: {', '.join(silent) or 'all'}"
        now = days.now()
        with runtime.transaction() as connection:
            syncs = scheduled_syncs(connection, now, runtime.settings.partition_start)
            late = [one.schedule for one in syncs if one.state == "late"]
            if late:
                return f"syncs are late: {', '.join(late)}"
            failing = alert_store.conditions(connection, since=now, only_open=True)
            critical = [one.title_with_day for one in failing if one.severity == "error"]
            if critical:
                return f"{len(critical)} conditions are failing, the first: {critical[0]}"
            kept_measures.note_heartbeat(connection, now, heard=False)
    except (CallingError, SQLAlchemyError) as error:
        return f"the database cannot be read and written: {type(error).__name__}"
    return ""


def _noted(runtime: Runtime) -> str:
    try:
        with runtime.transaction() as connection:
            kept_measures.note_heartbeat(connection, days.now(), heard=True)
    except (CallingError, SQLAlchemyError) as error:
        return f"the watcher heard that all is well; that could not be noted: {type(error).__name__}"
    return "the watcher heard that all is well"
