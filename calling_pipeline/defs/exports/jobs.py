"""`call_records_export` writes a large export; `exports_waiting` starts it for what was asked at other doors."""

import dagster as dg
from pydantic import Field

from calling_pipeline.access.people.records import Language
from calling_pipeline.defs.acting import acting
from calling_pipeline.defs.naming import job_tags, named
from calling_pipeline.defs.queueing import LAST
from calling_pipeline.reports.exports import asking, store
from calling_pipeline.reports.exports.dependencies import oldest_day, place_of
from calling_pipeline.reports.exports.writing import write
from calling_pipeline.runtime import Runtime

EXPORT = "calling/export"
"""The export a run writes."""


class ExportConfig(dg.Config):
    """An export that was asked for, or the days and the form of a new one."""

    export_id: int = Field(0, description="The export that was asked for; 0: ask for one now")
    first: str = Field("yesterday", description="First day, YYYY-MM-DD")
    last: str = Field("yesterday", description="Last day, included; 31 days at most")
    format: str = Field("csv.gz", description="csv.gz or xlsx")
    language: str = Field("zh", description="zh or en")
    filters: dict[str, str] = Field(
        default_factory=dict, description="agent_id, task_name, province; connected and ordered are yes or no"
    )


@dg.op(description="Call records of up to 31 days as one file in CALLING_HOME/exports; `/exports` offers it.")
def write_export(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime], config: ExportConfig) -> None:
    """Raises `Failure` when it cannot be written."""
    with acting(context.run) as by:
        export_id = config.export_id or _asked(runtime, config, by)
        done = write(
            runtime.engine,
            runtime.transaction,
            export_id,
            place_of(runtime),
            progress=lambda rows, expected: context.log.info(f"export {export_id}: {rows} of {expected} rows"),
        )
    if done.state == "failed":
        raise dg.Failure(f"export {export_id} failed: {done.error}", allow_retries=False)
    shown = {"export": export_id, "rows": done.rows, "bytes": done.bytes or 0, "digest": done.digest or ""}
    context.add_output_metadata(shown)


def _asked(runtime: Runtime, config: ExportConfig, by: str) -> int:
    language: Language = "en" if config.language == "en" else "zh"
    wanted = asking.wanted_of(config.first, config.last, config.format, language, config.filters, oldest=oldest_day(runtime))
    with runtime.transaction() as connection:
        return asking.ask(connection, wanted, by=by).id


@dg.job(name=named("call_records_export"), description="Writes a large export of call records.", tags=job_tags(LAST))
def call_records_export() -> None:
    """One op."""
    write_export()


@dg.sensor(
    name=named("exports_waiting"),
    job=call_records_export,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A run for each export that was asked for, or whose process ended before it was done.",
)
def exports_waiting(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SensorResult:
    """The run's key names the attempt, so that each is begun once."""
    with runtime.transaction() as connection:
        found = store.waiting(connection)
    if not found:
        return dg.SensorResult(skip_reason="no export waits")
    requests = [
        dg.RunRequest(
            run_key=f"export:{one.id}:{one.attempts}",
            run_config={"ops": {"write_export": {"config": {"export_id": one.id}}}},
            tags={EXPORT: str(one.id)},
        )
        for one in found
    ]
    return dg.SensorResult(run_requests=requests)


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """The job and its sensor; they concern no partition."""
    return dg.Definitions(jobs=[call_records_export], sensors=[exports_waiting])
