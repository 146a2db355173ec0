"""Dagster's view of the notifications: the ledgers' rows and the technicians' changes become messages, a job delivers."""

import dagster as dg

from calling_pipeline import days
from calling_pipeline.activity.noting import reported_by_run
from calling_pipeline.defs import retries
from calling_pipeline.defs.acting import acting
from calling_pipeline.defs.console import in_console
from calling_pipeline.defs.naming import asset_job, asset_key, job_tags, named, tag_value
from calling_pipeline.defs.notifications import checks as notifications_checks
from calling_pipeline.defs.notifications import schedules, sensors
from calling_pipeline.defs.queueing import LOCK, METABASE, WECOM
from calling_pipeline.defs.windows import assets_of_run
from calling_pipeline.notifications.contracts import runs
from calling_pipeline.notifications.contracts.runs import Run
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.dispatch import dispatch
from calling_pipeline.notifications.technicians.generation import generate
from calling_pipeline.notifications.technicians.rows import rows_of_metabase
from calling_pipeline.runtime import Runtime

DISPATCH_S = 240.0
"""How long one delivery run stays for messages that are due later, such as those a robot's rate holds back."""


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """Assets, checks, jobs, schedules and the sensor of the room."""
    contracts, technicians = _contract_notifications(daily), _technician_notifications()
    generate = asset_job(
        "contract_notifications_generate",
        "contract_notifications",
        description="Read the contract ledgers and generate messages about contracts that are new. Sends nothing.",
    )
    fetch = asset_job(
        "technician_notifications_generate",
        "technician_notifications",
        description="Ask Metabase for technicians' status changes and generate messages about new ones. Sends nothing.",
    )
    delivery = notifications_deliver
    return dg.Definitions(
        assets=[contracts, technicians],
        asset_checks=notifications_checks.checks(),
        jobs=[generate, fetch, delivery],
        schedules=[schedules.contract_notifications(generate), schedules.technician_notifications(fetch)],
        sensors=[sensors.dispatch_sensor(delivery)],
    )


def _contract_notifications(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key("contract_notifications"),
        partitions_def=daily,
        group_name="notifications",
        kinds={"postgres", "csv"},
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Messages about the contracts first seen in a ledger that day; the sensor delivers them.\n\n"
        "Materializing a day again makes and sends nothing twice.",
        metadata={"dagster/table_name": "contract_messages"},
    )
    def contract_notifications(
        context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.MaterializeResult[None]:
        deps = NotificationDependencies.from_runtime(runtime)
        ledgers = runs.known_ledgers(deps, runtime.settings.contract_ledgers)
        wrong: list[str] = []
        for key in context.partition_keys:
            with reported_by_run(assets_of_run(context)), acting(context.run) as by:
                done = runs.generate_only(deps, ledgers, created_by=by, day=days.parse_day(key))
            shown = {**_about(done), **in_console(runtime, "contract_notifications", key)}
            context.add_asset_metadata(shown, partition_key=key)
            wrong += done.errors
        if wrong:
            raise dg.Failure("; ".join(dict.fromkeys(wrong)), allow_retries=False)
        return dg.MaterializeResult(metadata={"ledgers": [str(path) for path in ledgers]})

    return contract_notifications


def _about(done: object) -> dict[str, object]:
    assert isinstance(done, Run)
    parked = [f"{made.csv_file} line {line.line}: {line.reason}" for made in done.generated for line in made.parked]
    return {
        "dagster/partition_row_count": sum(made.messages for made in done.generated),
        "messages": sum(made.messages for made in done.generated),
        "contracts": sum(made.rows for made in done.generated),
        "contracts_with_n": sum(made.open_rows for made in done.generated),
        "contracts_first_seen": sum(made.new_rows for made in done.generated),
        "lines_not_used": len(parked),
        "lines_not_used_why": parked[:20],
        "task_id": f"notify:{done.run_id}",
    }


def _technician_notifications() -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key("technician_notifications"),
        group_name="notifications",
        kinds={"postgres", "metabase"},
        pool=METABASE,
        retry_policy=retries.VENDOR,
        description="Messages about technicians' status changes, two per new change; the sensor delivers them.",
        metadata={"dagster/table_name": "technician_messages"},
    )
    def technician_notifications(
        context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.MaterializeResult[None]:
        deps = NotificationDependencies.from_runtime(runtime)
        with retries.refusals_as_sentences():
            rows = rows_of_metabase(deps.metabase, deps.plan.technicians.card)
            with reported_by_run(assets_of_run(context)), acting(context.run) as by, deps.transaction() as connection:
                made = generate(connection, rows, deps, created_by=by)
        return dg.MaterializeResult(
            metadata={
                "rows": made.rows,
                "new_changes": made.new_changes,
                "messages": made.messages,
                "too_old": made.too_old,
                "bad_rows": len(made.bad_rows),
                "bad_rows_why": [f"row {bad.row}: {bad.reason}" for bad in made.bad_rows[:20]],
                "companies_without_receiver": made.companies_without_receiver,
                **in_console(runtime, "technician_notifications"),
            }
        )

    return technician_notifications


@dg.op(
    description="Deliver what is due, write delivered contracts back to their ledgers, alert about what is held.",
    pool=WECOM,
)
def deliver_notifications(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """Deliver contracts' and technicians' messages in turns."""
    deps = NotificationDependencies.from_runtime(runtime)
    ledgers = runs.known_ledgers(deps, runtime.settings.contract_ledgers)
    with acting(context.run) as by:
        done = dispatch(deps, ledgers, by=by, wait_s=DISPATCH_S)
    for what, report in (("contracts", done.contracts.delivery), ("technicians", done.technicians)):
        counts = f"{report.delivered} delivered, {report.retried} put off, {report.unknown} unknown, {report.dead} given up"
        context.log.info(f"{what}: {counts}")
    context.add_output_metadata({"attempted": done.attempted, "written_back": done.contracts.written_back})
    if done.contracts.unwritten:
        raise dg.Failure("; ".join(done.contracts.unwritten.values()), allow_retries=False)


@dg.job(
    name=named("notifications_deliver"),
    description="Deliver what is due of contract and technician notifications.",
    tags=job_tags({LOCK: tag_value("notifications")}),
)
def notifications_deliver() -> None:
    """One delivery run."""
    deliver_notifications()
