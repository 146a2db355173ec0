"""What the UI shows about call batches: pre-flight cards, outcomes and speed."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches import views
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_batches.dependencies import gateway_refusal, plan_rules
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.runtime import Runtime

_RESULTS = ("pushed", "connected", "not_connected", "not_dialled", "waiting", "order_9", "order_1", "talk_s")


def previews(runtime: Runtime, names: Sequence[str]) -> dict[str, Any]:
    """The pre-flight cards of calling tasks (`names`; empty: all enabled ones); plans nothing."""
    with runtime.transaction() as connection:
        wanted = list(names) or [task.name for task in task_store.all_tasks(connection) if task.enabled]
    cards = {name: runs.preview_task(runtime.engine, name, plan_rules(runtime.settings)) for name in wanted}
    shown = "\n\n".join(f"**{name}**\n```\n{chr(10).join(views.card_lines(card))}\n```" for name, card in cards.items())
    refusal = gateway_refusal(runtime.settings)
    blocked = {} if refusal is None else {"no_batch_may_start": refusal}
    return {"dry_run": True, **blocked, "cards": dg.MetadataValue.md(shown or "no enabled calling task")}


def about_day(runtime: Runtime, key: str) -> dict[str, Any]:
    """The day's cards, outcomes and speed."""
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


def about_sources(runtime: Runtime) -> dict[str, Any]:
    """Every source table with the calling tasks that read it, and when each was last planned from it."""
    with runtime.transaction() as connection:
        tasks = task_store.all_tasks(connection)
        plans = {(plan.calling_task_id, plan.source): plan for plan in batch_store.newest_plans(connection)}
    rows = []
    for task in sorted(tasks, key=lambda one: (one.source.schema, one.source.table, one.name)):
        source = f"{task.source.schema}.{task.source.table}"
        plan = plans.get((task.id, source))
        when, read = (days.wall_clock(plan.planned_at), str(plan.source_rows)) if plan else ("never", "")
        rows.append([source, task.name, "yes" if task.enabled else "no", when, read])
    columns = ("table", "calling task", "enabled", "last planned", "rows then")
    return {
        "source_tables": len({row[0] for row in rows}),
        "calling_tasks": len(rows),
        "read_by": _table(rows, columns) if rows else "no calling task yet",
    }


def about_results(runtime: Runtime, day: dt.date) -> dict[str, Any]:
    """What became of the day's pushed calls, batch by batch."""
    with runtime.transaction() as connection:
        found = result_store.of_days(connection, day, day)
    columns = ("batch", *_RESULTS)
    rows = [[batch, *(getattr(results, name) for name in _RESULTS)] for _, batch, results in found]
    totals = {name: sum(getattr(results, name) for _, _, results in found) for name in _RESULTS}
    oldest = min((one.oldest_waiting_at for _, _, one in found if one.oldest_waiting_at), default=None)
    schema = dg.TableSchema([dg.TableColumn(name, "int") for name in columns])
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return {
        "dagster/partition_row_count": totals["pushed"],
        **totals,
        **({"oldest_waiting": days.wall_clock(oldest)} if oldest else {}),
        "by_batch": dg.MetadataValue.table(records, schema) if records else "no call was pushed",
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
