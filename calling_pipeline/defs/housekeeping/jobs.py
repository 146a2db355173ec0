"""The job `housekeeping`: removes what is older than its retention, every night, and says how much."""

import datetime as dt

import dagster as dg

from calling_pipeline import days
from calling_pipeline.alerts import store as alerts
from calling_pipeline.analysis.best_time.learning import learn
from calling_pipeline.call_batches.calls.archives.archiving import archive_due
from calling_pipeline.call_batches.dependencies import archives_of
from calling_pipeline.call_stats import retention
from calling_pipeline.call_stats.daily_counts.catch_up import catch_up
from calling_pipeline.call_stats.retention import CACHES, RECORDS
from calling_pipeline.defs.housekeeping import store as dagster_history
from calling_pipeline.defs.naming import job_tags, named
from calling_pipeline.reports.exports.dependencies import folder_of
from calling_pipeline.reports.exports.writing import remove_expired
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.recordings.keeping import Keeping
from calling_pipeline.telephony.calls.recordings.playing import delete_old
from calling_pipeline.telephony.desk.cases import store as case_store

_CASES_AT_ONCE = 1000
ALERT_RETENTION = dt.timedelta(days=365)


@dg.op(description="Finished alerts older than a year.")
def prune_alerts(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """Alerts and their deliveries."""
    with runtime.transaction() as connection:
        removed = alerts.prune(connection, before=days.now() - ALERT_RETENTION)
    context.add_output_metadata({"alerts": removed})


@dg.op(
    description="Dagster's own runs and events older than CALLING_DAGSTER_RETENTION_DAYS; after a day the steps and the"
    " passed checks of runs that went well and were done again since."
)
def prune_dagster_history(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """Runs that no partition's newest state rests on; ticks are pruned by the instance itself (dagster.yaml)."""
    before = days.now() - dt.timedelta(days=runtime.settings.dagster_retention_days)
    details_before = days.now() - dagster_history.DETAILS_KEPT
    removed = dagster_history.prune(context.instance, before, details_before=details_before)
    context.add_output_metadata({**removed.__dict__, "before": before.isoformat()})


@dg.op(
    description="Cached days and call records older than their retention, and proofs of superseded reads; Dagster shows the"
    " partitions of what is deleted as missing. `daily_history` keeps the days' numbers; days that were never counted are"
    " counted first."
)
def prune_stats(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """CALLING_CACHE_RETENTION_DAYS of the caches, CALLING_CALL_RECORD_RETENTION_DAYS of call records."""
    settings = runtime.settings
    counted = catch_up(runtime.transaction)
    pruned = retention.prune_by_day(
        runtime.transaction,
        now=days.now(),
        cache_days=settings.cache_retention_days,
        record_days=settings.call_record_retention_days,
    )
    forgotten = dagster_history.wipe_partitions(
        context.instance,
        dict.fromkeys(CACHES, pruned.first_cached_day) | {RECORDS: pruned.first_recorded_day},
    )
    kept = {"caches_from": pruned.first_cached_day.isoformat(), "call_records_from": pruned.first_recorded_day.isoformat()}
    shown_as_missing = {f"{asset}_partitions_missing_now": count for asset, count in forgotten.items()}
    context.add_output_metadata({**pruned.rows, **kept, **shown_as_missing, "days_counted_late": len(counted)})


@dg.op(description="Recordings of calls older than CALLING_RECORDINGS_DAYS: the files; their rows stay.")
def prune_recordings(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """In batches, each committed; and what ended processes left half written."""
    keeping, deleted = Keeping.of(runtime.settings), 0
    while True:
        with runtime.transaction() as connection:
            batch = delete_old(connection, keeping)
        if not batch:
            break
        deleted += batch
    context.add_output_metadata({"recordings_deleted": deleted, "half_written_deleted": keeping.store.clear()})


@dg.op(description="Cases of collectors that were done longer ago than CALLING_CASE_DAYS; their calls stay.")
def prune_cases(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """With the presses of the call button about them, in batches, each committed."""
    before, deleted = days.now() - dt.timedelta(days=runtime.settings.case_days), 0
    while True:
        with runtime.transaction() as connection:
            batch = case_store.delete_done(connection, before, _CASES_AT_ONCE)
        if not batch:
            break
        deleted += batch
    context.add_output_metadata({"cases_deleted": deleted})


@dg.op(
    description="What the calls of each task say of hours, and whether ordering by them is any better; where it is not, it"
    " switches itself off."
)
def learn_best_time(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """Of the calling tasks that order their calls by hour."""
    with runtime.transaction() as connection:
        learned = learn(connection)
    context.add_output_metadata({"calling_tasks": len(learned), "switched_off": sum(one.off for one in learned)})


@dg.op(
    description="Rows that closed batches left out, older than CALLING_ARCHIVE_AFTER_DAYS: into encrypted month files. Rows"
    " of calls stay."
)
def archive_left_out_rows(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """In slices, each written, read back and compared before it leaves the database."""
    moved = archive_due(runtime.transaction, archives_of(runtime), today=days.today())
    context.add_output_metadata({"batches": moved.batches, "rows": moved.rows})


@dg.op(description="Files of large exports that expired, and what ended processes left of them.")
def prune_exports(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """Their rows stay."""
    context.add_output_metadata({"export_files": remove_expired(runtime.transaction, folder_of(runtime))})


@dg.job(
    name=named("housekeeping"),
    description="Removes what is older than its retention: caches, call records, recordings, cases, exports, alerts,"
    " Dagster's own history; learns the best time to call.",
    tags=job_tags(),
)
def housekeeping() -> None:
    """Independent ops: one that fails leaves the others alone."""
    prune_stats()
    prune_alerts()
    prune_recordings()
    prune_cases()
    prune_exports()
    archive_left_out_rows()
    prune_dagster_history()
    learn_best_time()


nightly = dg.ScheduleDefinition(
    name=named("housekeeping_nightly"),
    job=housekeeping,
    cron_schedule="30 3 * * *",
    execution_timezone="Asia/Shanghai",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 03:30, when no sync is due.",
)


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The job and its schedule; they concern no partition."""
    return dg.Definitions(jobs=[housekeeping], schedules=[nightly])
