"""What a process of a centre (CALLING_CENTRE) defines and does, as JSON: `names`, or `look` at an instance that it shares.

Run by tests: the centre of a process is settled when the definitions are imported.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.alerts import store
from calling_pipeline.definitions import build
from calling_pipeline.defs.alerts.sensors import check_failure_alerts, run_failure_alerts
from calling_pipeline.defs.housekeeping.store import prune
from calling_pipeline.defs.naming import named
from calling_pipeline.defs.queueing import busy
from calling_pipeline.defs.reaper import reap
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load


def names_of(defs: dg.Definitions) -> dict[str, list[str]]:
    """Every name that is known in the whole of Dagster, by kind."""
    repository = defs.get_repository_def()
    repository.load_all_definitions()
    assets = [one for one in repository.assets_defs_by_key.values() if one.is_executable]
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    steps = [step.definition for job in repository.get_all_jobs() for step in job.graph.nodes]
    return {
        "assets": sorted(key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()),
        "materialized": sorted({key.to_user_string() for one in assets for key in one.keys}),
        "checks": sorted(key.to_user_string() for key in repository.asset_graph.asset_check_keys),
        "jobs": sorted(job.name for job in jobs),
        "schedules": sorted(one.name for one in repository.schedule_defs),
        "sensors": sorted(one.name for one in repository.sensor_defs),
        "pools": sorted({pool for step in steps for pool in step.pools}),
        "locks": sorted({job.tags["calling/lock"] for job in jobs if "calling/lock" in job.tags}),
        "classes": sorted({job.tags["calling/class"] for job in jobs if "calling/class" in job.tags}),
        "centres": sorted({job.tags.get("calling/centre", "") for job in jobs}),
    }


def look(instance: dg.DagsterInstance, runtime: Runtime) -> dict[str, Any]:
    """What the alert sensors, the reaper, "busy" and housekeeping make of an instance, as this process's centre."""
    for sensor in (run_failure_alerts, check_failure_alerts):
        cursor = '{"newest": 0, "seen": [], "quiet": false}'
        with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"runtime": runtime}) as context:
            sensor.evaluate_tick(context)
    with runtime.transaction() as connection:
        alerts = store.stored_alerts(connection, since=days.now() - dt.timedelta(days=2))
    pruned = prune(instance, days.now() + dt.timedelta(hours=1))
    return {
        "alerts": sorted(one.title for one in alerts),
        "busy": bool(busy(instance, named("notifications_deliver"))),
        "reaped": reap(instance),
        "pruned_runs": pruned.runs,
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["names"]:
        print(json.dumps(names_of(build(Runtime(load())))))
    else:
        with dg.DagsterInstance.get() as own:
            print(json.dumps(look(own, Runtime.load())))
