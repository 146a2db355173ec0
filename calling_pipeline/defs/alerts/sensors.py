"""Sensors that turn what goes wrong in Dagster into alerts, and the one that sends them.

The first three only record (once, in the alert table); sending is apart, so that a channel that is down delays nothing.
"""

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, EventRecordsFilter

from calling_pipeline.alerts import conditions, deliver, store
from calling_pipeline.alerts.channels import parse_channels
from calling_pipeline.alerts.records import Condition
from calling_pipeline.defs.alerts.texts import check_condition, run_alert, tick_condition
from calling_pipeline.runtime import Runtime

RESCAN = 200
"""Event ids looked at again: two writers may commit theirs out of order."""
BATCH = 500


@dg.run_failure_sensor(
    name="run_failure_alerts",
    monitor_all_code_locations=True,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=10,
    description="Records one alert for every failed run.",
)
def run_failure_alerts(context: dg.RunFailureSensorContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """One alert per failed run; a vendor that timed out is named in the title."""
    errors = [event.step_failure_data.error for event in context.get_step_failure_events()]
    alert = run_alert(context.dagster_run, context.failure_event.message or "", [error for error in errors if error])
    with runtime.transaction() as connection:
        store.record(connection, alert)


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=10,
    description="Records an alert when a check begins to fail or warn, and when it is well again.",
)
def check_failure_alerts(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Reads check evaluations from the event log behind a cursor; also those that never reach a run-failure sensor."""
    cursor = int(context.cursor) if context.cursor else _newest_event(context.instance)
    wanted = EventRecordsFilter(DagsterEventType.ASSET_CHECK_EVALUATION, after_cursor=max(cursor - RESCAN, 0))
    records = context.instance.event_log_storage.get_event_records(wanted, limit=BATCH, ascending=True)
    changes = _observe(runtime, [check_condition(context.instance, record) for record in records])
    context.update_cursor(str(max([cursor, *(record.storage_id for record in records)])))
    return dg.SkipReason(f"{len(records)} evaluations read, {changes} alerts recorded")


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Records an alert when a schedule or sensor itself begins to fail.",
)
def tick_failure_alerts(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Looks at the newest finished tick of every schedule and sensor that is switched on."""
    found = [tick_condition(context.instance, state) for state in context.instance.all_instigator_state()]
    changes = _observe(runtime, [condition for condition in found if condition is not None])
    return dg.SkipReason(f"{len(found)} schedules and sensors looked at, {changes} alerts recorded")


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=10,
    description="Sends recorded alerts to every channel of CALLING_ALERT_URLS, once each.",
)
def alert_delivery(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SkipReason:
    """Sends what is due; without a channel the alerts stay in the table."""
    channels = parse_channels(runtime.settings.alert_urls)
    if not channels:
        return dg.SkipReason("CALLING_ALERT_URLS names no channel; alerts stay in the table `alerts`")
    sent = deliver.deliver_due(runtime.engine, channels)
    return dg.SkipReason(f"{sent.arrived} delivered, {sent.postponed} postponed")


def _observe(runtime: Runtime, found: list[Condition]) -> int:
    changes = 0
    for condition in found:
        with runtime.transaction() as connection:
            changes += conditions.observe(connection, condition) in ("failing", "recovered")
    return changes


def _newest_event(instance: DagsterInstance) -> int:
    """Where a first start begins: it re-scans what has just happened (a first sync, say), not all history."""
    newest = instance.event_log_storage.get_maximum_record_id()
    return newest or 0


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The alert sensors; they concern no partition."""
    return dg.Definitions(sensors=[run_failure_alerts, check_failure_alerts, tick_failure_alerts, alert_delivery])
