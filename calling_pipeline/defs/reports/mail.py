"""`report_mails`: the job that mails what is due of reports, and the sensor that starts it only then."""

import dagster as dg

from calling_pipeline.defs.acting import acting
from calling_pipeline.defs.naming import job_tags, named, tag_value
from calling_pipeline.defs.queueing import LOCK, SOON, busy
from calling_pipeline.runtime import Runtime


@dg.op(description="Mail each report that is due to each of its receivers, once, and say what is held.")
def mail_reports(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """One round; what the mail server cannot take now is due again later."""
    from calling_pipeline.reports.mail import dependencies, rounds  # noqa: PLC0415 - 200 ms of every run that Dagster starts

    with acting(context.run):
        done = rounds.deliver_round(dependencies.MailDependencies.from_runtime(runtime))
    context.log.info(
        f"{done.sent} sent, {done.retried} put off, {done.refused} refused, {done.unknown} unknown, {done.dead} given up"
    )
    if done.server:
        context.log.warning(done.server)
    context.add_output_metadata({"planned": done.planned, "attempted": done.attempted, "sent": done.sent})


@dg.job(
    name=named("report_mails_deliver"),
    description="Mail what is due of reports to those who subscribed.",
    tags=job_tags({LOCK: tag_value("report mail")}),
)
def report_mails_deliver() -> None:
    """One delivery run."""
    mail_reports()


@dg.sensor(
    name=named("report_mails"),
    job=report_mails_deliver,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a delivery run when a report is due to be mailed, or when claims are orphaned. It asks the database"
    " every minute and starts nothing otherwise.",
)
def report_mails(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.RunRequest | dg.SkipReason:
    """One look at what is due."""
    from calling_pipeline.reports.mail import rounds  # noqa: PLC0415 - 200 ms of every run that Dagster starts

    under_way = busy(context.instance, report_mails_deliver.name)
    if under_way is not None:
        return dg.SkipReason(f"the last delivery is not done: {under_way}")
    with runtime.transaction() as connection:
        reason = rounds.work_waiting(
            connection, configured=runtime.settings.smtp_url is not None, shadow=runtime.settings.shadow
        )
    if reason is None:
        return dg.SkipReason("nothing is due")
    return dg.RunRequest(tags={"calling/reason": reason[:100], **SOON})
