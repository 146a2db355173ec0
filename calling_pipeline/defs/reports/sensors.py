"""`reports_due`: starts a run for a report whose days became complete or changed, or whose deadline passed."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.naming import named
from calling_pipeline.defs.queueing import LAST, busy
from calling_pipeline.reports.records import ReportKind
from calling_pipeline.runtime import Runtime

_AT_ONCE = 3
"""Reports of one kind that a tick asks for; the others follow."""


def reports_due(jobs: Mapping[ReportKind, Any], first_day: dt.date) -> dg.SensorDefinition:
    """The sensor; `jobs` by kind. Periods that begin before `first_day` have no partition."""

    @dg.sensor(
        name=named("reports_due"),
        jobs=list(jobs.values()),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="A run for each report that is due: its days became complete, its deadline passed, or its numbers were"
        " corrected since. It asks the database every minute and starts nothing otherwise.",
    )
    def sensor(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> Any:
        from calling_pipeline.defs.reports.making import due_now  # noqa: PLC0415 - 100 ms of every run that Dagster starts

        now, requests = days.now(), []
        found = due_now(runtime, now)
        for kind, job in jobs.items():
            wanted = [one for one in found if one.kind == kind and one.last >= first_day]
            if not wanted or busy(context.instance, job.name) is not None:
                continue
            for one in wanted[:_AT_ONCE]:
                key = f"{kind}:{one.label}:{found[one]}:{now:%Y%m%d%H}"
                partition = max(one.first, first_day) if kind == "daily" else one.first
                requests.append(
                    dg.RunRequest(run_key=key, job_name=job.name, partition_key=partition.isoformat(), tags=LAST)
                )
        return requests or dg.SkipReason("no report is due")

    return sensor
