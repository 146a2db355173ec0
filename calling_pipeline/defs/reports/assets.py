"""The assets `daily_report`, `weekly_report` and `monthly_report`: each partition is a period, made when it is complete."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.activity.noting import reported_by_run
from calling_pipeline.defs.acting import acting
from calling_pipeline.defs.checks import Check, judge, log_verdicts
from calling_pipeline.defs.console import in_console
from calling_pipeline.defs.naming import asset_job, asset_key, tag_value
from calling_pipeline.defs.queueing import LOCK
from calling_pipeline.defs.reports import mail, sensors
from calling_pipeline.defs.windows import assets_of_run
from calling_pipeline.errors import CallingError
from calling_pipeline.reports import quality
from calling_pipeline.reports.records import KINDS, Period, ReportKind
from calling_pipeline.runtime import Runtime

CHECKS: Sequence[Check[quality.ReportFacts]] = (
    Check("control_totals_agree", quality.control_totals_agree, (quality.control_totals_agree.__doc__ or "").strip()),
    Check(
        "numbers_are_those_kept",
        quality.numbers_are_those_kept,
        (quality.numbers_are_those_kept.__doc__ or "").strip(),
        warns=True,
    ),
    Check("report_is_whole", quality.report_is_whole, (quality.report_is_whole.__doc__ or "").strip(), warns=True),
)
_READS = ("daily_history", "agent_ranking", "hourly_orders", "call_batches")
_TITLES: Mapping[ReportKind, str] = {"daily": "a day", "weekly": "a week (Monday to Sunday)", "monthly": "a month"}


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The assets with their jobs, and the sensor that starts them."""
    assets = {kind: _asset(kind, _partitions(kind, daily)) for kind in KINDS}
    jobs = {
        kind: asset_job(
            f"{kind}_report_run",
            f"{kind}_report",
            description=f"Make the report of {_TITLES[kind]}: a new revision if a number changed. What waits is not made.",
            tags={LOCK: tag_value(f"{kind} report")},
        )
        for kind in assets
    }
    return dg.Definitions(
        assets=list(assets.values()),
        jobs=[*jobs.values(), mail.report_mails_deliver],
        sensors=[sensors.reports_due(jobs, daily.start.date()), mail.report_mails],
    )


def _partitions(kind: ReportKind, daily: dg.DailyPartitionsDefinition) -> dg.TimeWindowPartitionsDefinition:
    first, zone = daily.start.date(), "Asia/Shanghai"
    if kind == "daily":
        return daily
    if kind == "weekly":
        monday = first - dt.timedelta(days=first.weekday())
        return dg.WeeklyPartitionsDefinition(monday.isoformat(), day_offset=1, timezone=zone, end_offset=1)
    return dg.MonthlyPartitionsDefinition(first.replace(day=1).isoformat(), timezone=zone, end_offset=1)


def _asset(kind: ReportKind, partitions: dg.TimeWindowPartitionsDefinition) -> dg.AssetsDefinition:
    name = f"{kind}_report"
    spec = dg.AssetSpec(
        asset_key(name),
        group_name="reports",
        kinds={"postgres"},
        deps=[asset_key(one) for one in _READS],
        description=f"The report of {_TITLES[kind]}: both tracks, trend, agents, hours, batches, messages, telephony,"
        " alerts, and a page of proof.\n\nMade when its days are complete, at its deadline partial; a correction makes a new"
        " revision.",
        metadata={"dagster/table_name": "reports"},
    )

    @dg.multi_asset(
        name=f"{name}_facts",
        specs=[spec],
        check_specs=[check.spec(name, partitions) for check in CHECKS],
        partitions_def=partitions,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def report(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> Iterator[Any]:
        op = context.op_execution_context
        names = {key.name for key in op.selected_asset_check_keys}
        chosen = [check for check in CHECKS if check.name in names]
        waiting = [key for key in context.partition_keys if not _show(context, runtime, kind, key, chosen)]
        if context.selected_asset_keys and waiting and len(waiting) == len(context.partition_keys):
            raise dg.Failure(f"not made, their days are not complete: {', '.join(waiting[:5])}", allow_retries=False)
        yield from ()

    return report


def _show(
    context: dg.AssetExecutionContext,
    runtime: Runtime,
    kind: ReportKind,
    key: str,
    checks: Sequence[Check[quality.ReportFacts]],
) -> bool:
    """Make the report of one partition, show and judge it; returns whether there is one."""
    from calling_pipeline.defs.reports import making  # noqa: PLC0415 - 200 ms of every run that Dagster starts

    name, day = f"{kind}_report", days.parse_day(key)
    period = making.period_of(kind, day)
    there = True
    if context.selected_asset_keys:
        there = _make(context, runtime, period, making)
    log_verdicts(context.op_execution_context, runtime, judge(name, checks, lambda: making.facts_of(runtime, period), day))
    return there


def _make(context: dg.AssetExecutionContext, runtime: Runtime, period: Period, making: Any) -> bool:
    name, key = f"{period.kind}_report", period.first.isoformat()
    try:
        with reported_by_run(assets_of_run(context)), acting(context.run) as by:
            made = making.make_now(runtime, period, by=by)
    except CallingError as error:
        raise dg.Failure(f"{period.label}: {error}", allow_retries=False) from None
    for sentence in making.sentences(made):
        context.log.info(f"{period.label}: {sentence}")
    if made.stored is None:
        return False
    metadata = {**making.metadata_of(made), **in_console(runtime, name, key)}
    context.log_event(dg.AssetMaterialization(asset_key(name), partition=key, metadata=metadata))
    return True
