"""`calling-pipeline ledger`: what the task ledger knows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, table
from calling_pipeline.task_ledger import store
from calling_pipeline.task_ledger.ledger import balance, count_usage, find
from calling_pipeline.task_ledger.records import STATES, Task


@click.group()
def ledger() -> None:
    """Units of work, their states and what was charged for them."""


@ledger.command(cls=PipelineCommand)
@click.argument("task_id")
@click.pass_obj
def show(door: Door, task_id: str) -> Answer:
    """Show one task, its charge and what was refused.

    \b
    Example: calling-pipeline ledger show batch:42
    """
    with door.ready_runtime.transaction() as connection:
        task = find(connection, task_id)
        refusals = store.refusals(connection, task_id=task.task_id)
    facts = [(name, value) for name, value in vars(task).items() if name != "details"]
    lines: list[Any] = [table(("field", "value"), [*facts, *((f"details.{k}", v) for k, v in task.details.items())])]
    if refusals:
        lines.append(
            table(
                ("refused at", "by", "what", "why"), [(_at(r.refused_at), r.refused_by, r.kind, r.reason) for r in refusals]
            )
        )
    return Answer({**vars(task), "refusals": refusals}, lines)


@ledger.command("list", cls=PipelineCommand)
@click.option("--feature", help="Only this feature.")
@click.option("--state", type=click.Choice(STATES), help="Only tasks in this state.")
@click.option("--account", help="Only of this account.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.pass_obj
def list_tasks(door: Door, feature: str | None, state: str | None, account: str | None, limit: int) -> Answer:
    """List the newest tasks.

    \b
    Example: calling-pipeline ledger list --state failed --feature notifications
    """
    with door.ready_runtime.transaction() as connection:
        tasks = store.tasks(connection, feature=feature, state=state, account=account, limit=limit)
    return Answer(tasks, [table(("task", "account", "feature", "state", "credits", "charged", "updated"), map(_row, tasks))])


@ledger.command(cls=PipelineCommand)
@click.option("--account", help="Only this one.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.pass_obj
def accounts(door: Door, account: str | None, limit: int) -> Answer:
    """List accounts with what their tasks come to, the one that was charged most first.

    \b
    Example: calling-pipeline ledger accounts --account zhang
    """
    with door.ready_runtime.transaction() as connection:
        found = store.accounts(connection, limit=limit) if account is None else [balance(connection, account)]
    columns = ("account", "tasks", "pending", "completed", "failed", "charges", "credits")
    return Answer(found, [table(columns, ([getattr(one, name) for name in columns] for one in found))])


@ledger.command(cls=PipelineCommand)
@click.option("--task", "task_id", help="Only of this task.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.pass_obj
def refusals(door: Door, task_id: str | None, limit: int) -> Answer:
    """List refused moves and refused charges, newest first."""
    with door.ready_runtime.transaction() as connection:
        found = store.refusals(connection, task_id=task_id, limit=limit)
    rows = [(_at(r.refused_at), r.task_id, r.kind, r.refused_by, r.reason) for r in found]
    return Answer(found, [table(("refused at", "task", "what", "by", "why"), rows)])


@ledger.command(cls=PipelineCommand)
@click.option("--from", "first", help="First day, YYYY-MM-DD; today without it.")
@click.option("--to", "last", help="Last day, YYYY-MM-DD; today without it.")
@click.pass_obj
def usage(door: Door, first: str | None, last: str | None) -> Answer:
    """Count tasks and credits by day and feature.

    \b
    Example: calling-pipeline ledger usage --from 2026-11-01 --to 2026-11-30 --json
    """
    to = days.day_asked(last, field="--to") if last else days.today()
    since = days.day_asked(first, field="--from") if first else to
    days.day_range(since, to)
    with door.ready_runtime.transaction() as connection:
        rows = count_usage(connection, since, to)
    columns = ("date", "feature", "created", "completed", "failed", "pending", "charges", "credits", "refusals")
    return Answer(rows, [table(columns, ([getattr(row, name) for name in columns] for row in rows))])


def _row(task: Task) -> tuple[object, ...]:
    return task.task_id, task.account, task.feature, task.state, task.credits, task.charged, _at(task.updated_at)


def _at(instant: dt.datetime) -> str:
    return days.wall_clock(instant)
