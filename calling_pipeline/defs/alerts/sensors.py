"""The two sensors that turn what goes wrong in Dagster into alerts and send what is recorded.

Each reads only what is new, records in one transaction, and sends last: a channel that is down delays no alert's record.
"""

from collections.abc import Callable

import dagster as dg
from dagster import DagsterEventType, DagsterInstance

from calling_pipeline import measures
from calling_pipeline.alerts import conditions, deliver, store
from calling_pipeline.alerts.channels import parse_channels
from calling_pipeline.alerts.records import Change, Condition
from calling_pipeline.defs.activity.reporting import report_outside_work
from calling_pipeline.defs.alerts.events import Cursor, new_events
from calling_pipeline.defs.alerts.runs import ended_run, upstream_of
from calling_pipeline.defs.alerts.store import newest_ticks
from calling_pipeline.defs.alerts.texts import (
    ASSET_JOB,
    check_conditions,
    judged_asset,
    judges_a_range,
    tick_condition,
)
from calling_pipeline.defs.instance.judging import ENDED
from calling_pipeline.defs.naming import CENTRE, centre_of_key, is_our_name, named, plain_name
from calling_pipeline.defs.planned_checks.store import forget_unjudged
from calling_pipeline.runtime import Runtime
from calling_pipeline.texts.catalogue import catalogue

INTERVAL_S = 30
_ENDS = (DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_CANCELED, DagsterEventType.RUN_SUCCESS)


@dg.sensor(
    name=named("run_failure_alerts"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=2 * INTERVAL_S,
    description="Records an alert when a run that failed or was cancelled leaves a day undone, when a schedule or sensor"
    " itself begins to fail, and when that is good again; once per day reminds of all that is not. Sends alerts to every"
    " channel of CALLING_ALERT_URLS.",
)
def run_failure_alerts(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Reads ends of runs behind a cursor, and the newest finished tick of all schedules and sensors."""
    cursor = Cursor.parse(context.cursor, context.instance)
    records, cursor = new_events(context.instance, cursor, _ENDS)
    upstream = upstream_of(context.repository_def) if records else {}
    ends = [ended_run(context.instance, one.storage_id, one.event_log_entry, upstream) for one in records]
    for one, end in zip(records, ends, strict=True):
        if end is not None:  # what a failed run planned and did not judge would show as skipped for good
            forget_unjudged(context.instance, one.event_log_entry.run_id)
            _count(context.instance, one.event_log_entry)
    ticks = _tick_conditions(context.instance, context.repository_def)
    changes = 0
    with runtime.transaction() as connection:
        for record, end in zip(records, ends, strict=True):
            if end is not None:
                known = {one.name: one for one in store.open_conditions(connection, "run")} if end.done else {}
                good = [conditions.recovered(known[name], record.storage_id) for name in end.done if name in known]
                changes += _announced(conditions.observe_all(connection, [*good, *end.failing]))
        changes += _announced(conditions.observe_all(connection, ticks))
        reminded = conditions.remind(connection)
    context.update_cursor(str(cursor))
    sent = _send(runtime)
    return dg.SkipReason(
        f"{len(records)} ended runs and {len(ticks)} ticks read, {changes} alerts, {reminded} reminders, {sent}"
    )


@dg.sensor(
    name=named("check_failure_alerts"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=INTERVAL_S,
    description="Shows work outside Dagster's runs. Records an alert when a check begins to fail or warn about a day, and"
    " when that day is good again, whichever run or door made it so. Sends alerts to every channel of CALLING_ALERT_URLS.",
)
def check_failure_alerts(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Reports outside work, then reads check evaluations behind a cursor; also those that no run-failure sensor sees."""
    cursor = Cursor.parse(context.cursor, context.instance)
    reported = report_outside_work(context.instance, runtime)
    records, cursor = new_events(context.instance, cursor, [DagsterEventType.ASSET_CHECK_EVALUATION])
    records = [one for one in records if centre_of_key(judged_asset(one.event_log_entry)) == CENTRE]
    judging_ranges = {one.event_log_entry.run_id for one in records if judges_a_range(one.event_log_entry)}
    runs = {run_id: context.instance.get_run_by_id(run_id) for run_id in judging_ranges}
    found = [
        condition
        for one in records
        for condition in check_conditions(one.storage_id, one.event_log_entry, runs.get(one.event_log_entry.run_id))
    ]
    changes = 0
    if found:
        with runtime.transaction() as connection:
            changes = _announced(conditions.observe_all(connection, found))
    context.update_cursor(str(cursor))
    found_out = f"work outside runs on {reported} assets and days reported, {len(records)} evaluations read"
    return dg.SkipReason(f"{found_out}, {changes} alerts, {_send(runtime)}")


def _count(instance: DagsterInstance, entry: dg.EventLogEntry) -> None:
    """Count a run that ended. One whose process was gone is `crashed`; one that never began, `never_started`."""
    run = instance.get_run_record_by_id(entry.run_id)
    kind = entry.dagster_event.event_type if entry.dagster_event else None
    outcome = "success" if kind == DagsterEventType.RUN_SUCCESS else "failure"
    if kind == DagsterEventType.RUN_CANCELED:
        outcome = "canceled"
    elif outcome == "failure" and ENDED in (entry.message or ""):
        outcome = "crashed"
    elif outcome == "failure" and run is not None and run.start_time is None:
        outcome = "never_started"
    job = plain_name(run.dagster_run.job_name) if run is not None else measures.OTHER
    measures.count(measures.RUNS, "assets" if job.startswith(ASSET_JOB) else job, outcome)


def _tick_conditions(instance: DagsterInstance, repository: dg.RepositoryDefinition | None) -> list[Condition]:
    """One condition per schedule and sensor of ours that is switched on and has ticked, read in two queries."""
    known: set[str] = set()
    if repository is not None:
        known = {*map(plain_name, (one.name for one in repository.schedule_defs))}
        known |= {*map(plain_name, (one.name for one in repository.sensor_defs))}
    running = [state for state in instance.all_instigator_state() if state.is_running]
    states = {state.selector_id: state for state in running if is_our_name(state.instigator_name, known)}
    return [tick_condition(states[selector], tick) for selector, tick in newest_ticks(instance, list(states)).items()]


def _announced(changes: list[Change]) -> int:
    return sum(change in ("failing", "recovered") for change in changes)


def _send(runtime: Runtime) -> str:
    """Send what is due; without a channel the alerts stay in the table."""
    channels = parse_channels(runtime.settings.alert_urls, centre=runtime.settings.centre)
    if not channels:
        return "CALLING_ALERT_URLS names no channel; alerts stay in the table `alerts`"
    places = deliver.Places(console=runtime.settings.address, dagster=runtime.settings.ui_address)
    sent = deliver.deliver_due(runtime.engine, channels, places=places, say=_saying(runtime))
    return f"{sent.arrived} delivered, {sent.postponed} postponed"


def _saying(runtime: Runtime) -> Callable[[str], str]:
    """Sentences of ours in the language of the settings, which is that of the channels."""
    language = runtime.settings.language
    return lambda sentence: catalogue().say(sentence, language)


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The alert sensors; they concern no partition."""
    return dg.Definitions(sensors=[run_failure_alerts, check_failure_alerts])
