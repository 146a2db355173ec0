"""Dagster's view of the call batches: the assets `call_batches` and `call_history`, their checks and their job."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from calling_pipeline import days
from calling_pipeline.call_batches.dependencies import BatchDependencies
from calling_pipeline.defs.call_batches import checks as call_batches_checks
from calling_pipeline.defs.call_batches import sensors
from calling_pipeline.runtime import Runtime

OWNERS = ["team:calling-operations"]
_NOTHING = dg.MaterializeResult[None]


class CallBatchesConfig(dg.Config):
    """Which calling tasks, by name (none: all), and whether only to show the pre-flight cards."""

    tasks: list[str] = Field(default_factory=list, description="Calling tasks by name; empty: all")
    dry_run: bool = Field(False, description="Only show the pre-flight cards; plan and call nothing")


def definitions(daily: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """Assets, checks, the job and the sensor of the room."""
    batches = _call_batches(daily)
    history = _call_history(daily)
    job = dg.define_asset_job(
        "call_batches_run",
        selection=dg.AssetSelection.assets(batches, history),
        description="Plan the calling tasks' due ticks and push the day's unfinished batches.",
    )
    return dg.Definitions(
        assets=[batches, history],
        asset_checks=call_batches_checks.checks(),
        jobs=[job],
        sensors=[sensors.calling_tasks(job, daily)],
    )


def _call_batches(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=daily,
        group_name="call_batches",
        kinds={"postgres", "api"},
        owners=OWNERS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Calls planned and pushed to the dialling gateway, a batch for every tick of a calling task.\n\n"
        "A rerun or backfill plans no tick twice and calls nobody again: it goes on with what is unfinished.",
        metadata={"dagster/table_name": "call_tasks", "dagster/column_schema": _schema("call_tasks")},
    )
    def call_batches(
        context: dg.AssetExecutionContext, config: CallBatchesConfig, runtime: dg.ResourceParam[Runtime]
    ) -> _NOTHING:
        from calling_pipeline.call_batches import runs

        if config.dry_run:
            return dg.MaterializeResult(metadata=_previews(runtime, config.tasks))
        dependencies, calls, unknown = BatchDependencies.from_runtime(runtime, by=f"run {context.run.run_id[:8]}"), 0, 0
        for key in context.partition_keys:
            runs.run_day(dependencies, days.parse_day(key), names=config.tasks, say=context.log.info)
            metadata = _about_day(runtime, key)
            context.add_asset_metadata(metadata, partition_key=key)
            calls += metadata["calls_made"]
            unknown += metadata["calls_unknown"]
        return dg.MaterializeResult(metadata={"calls_made_in_range": calls, "calls_unknown_in_range": unknown})

    return call_batches


def _call_history(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=daily,
        group_name="call_batches",
        kinds={"postgres"},
        owners=OWNERS,
        deps=["call_batches"],
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Every phone ever called, once: first and last call, and how many.\n\nWritten call by call with each"
        " outcome; this asset counts it.",
        metadata={"dagster/table_name": "call_history", "dagster/column_schema": _schema("call_history")},
    )
    def call_history(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> _NOTHING:
        from calling_pipeline.call_batches.facts import store as fact_store

        with runtime.transaction() as connection:
            for key in context.partition_keys:
                day = days.parse_day(key)
                totals = fact_store.totals_of(connection, day)
                context.add_asset_metadata(
                    {"calls_of_day": int(totals.pushed), "attempts_of_day": int(totals.attempts)}, partition_key=key
                )
            phones, calls = fact_store.history_totals(connection)
        return dg.MaterializeResult(metadata={"dagster/row_count": phones, "calls": calls})

    return call_history


def _previews(runtime: Runtime, names: Sequence[str]) -> dict[str, Any]:
    from calling_pipeline.call_batches import runs
    from calling_pipeline.call_batches.batches import views
    from calling_pipeline.call_batches.calling_tasks import store as task_store

    with runtime.transaction() as connection:
        wanted = list(names) or [task.name for task in task_store.all_tasks(connection) if task.enabled]
    cards = {name: runs.preview_task(runtime.engine, name) for name in wanted}
    shown = "\n\n".join(f"**{name}**\n```\n{chr(10).join(views.card_lines(card))}\n```" for name, card in cards.items())
    return {"dry_run": True, "cards": dg.MetadataValue.md(shown or "no enabled calling task")}


def _about_day(runtime: Runtime, key: str) -> dict[str, Any]:
    """The day's cards, outcomes and speed as metadata."""
    from calling_pipeline.call_batches.batches import store as batch_store
    from calling_pipeline.call_batches.batches import views
    from calling_pipeline.call_batches.facts import store as fact_store

    day = days.parse_day(key)
    with runtime.transaction() as connection:
        found = [views.batch_document(connection, batch.id, unknown=0) for batch in batch_store.batches_of(connection, day)]
        totals = fact_store.totals_of(connection, day)
    made = sum(item["outcome"].get("pushed", 0) for item in found)
    minutes = max((totals.last - totals.first).total_seconds() / 60, 1 / 60) if totals.attempts else 0
    return {
        "dagster/partition_row_count": sum(item["source_rows"] for item in found),
        "batches": len(found),
        "calls_made": made,
        "calls_unknown": sum(item["outcome"].get("unknown", 0) for item in found),
        "calls_per_minute": round(float(totals.pushed / minutes), 1) if minutes else 0.0,
        "pre_flight_card": _table(_card_rows(found), ("batch", "task", "line", "rows", "samples")),
        "outcome": _table(_outcome_rows(found), ("batch", "task", "state", "outcome", "rows")),
    }


def _card_rows(found: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    rows = []
    for item in found:
        card, head = item["card"], [item["batch_id"], item["task"]]
        rows += [[*head, "source rows", card["source_rows"], ""], [*head, "to call", card["to_call"], ""]]
        rows += [[*head, line["said"], line["rows"], ", ".join(line["samples"])] for line in card["left_out"]]
    return rows


def _outcome_rows(found: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    rows = []
    for item in found:
        head, reconciled = [item["batch_id"], item["task"], item["state"]], item["reconciliation"]
        rows += [[*head, state, count] for state, count in sorted(reconciled["calls"].items())]
        rows += [[*head, f"not called: {reason}", count] for reason, count in reconciled["left_out"].items()]
        rows.append([*head, "unaccounted for", reconciled["difference"]])
    return rows


def _table(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> dg.TableMetadataValue:
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    kinds = {"batch": "int", "rows": "int"}
    schema = dg.TableSchema([dg.TableColumn(name, kinds.get(name, "string")) for name in columns])
    return dg.MetadataValue.table(records, schema)


def _schema(table: str) -> dg.TableSchema:
    from calling_pipeline.call_batches import tables
    from calling_pipeline.database.tables import metadata

    assert tables.call_tasks.metadata is metadata
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                str(column.type).lower(),
                description=column.comment or "",
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable), unique=bool(column.primary_key)),
            )
            for column in metadata.tables[table].columns
        ]
    )
