"""`calling-pipeline calls`: preview, run and steer call batches. The calling tasks are in `tasks.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import click

from calling_pipeline import days
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.at_most_once.shutdown import StopRequest
from calling_pipeline.call_batches.batches import lifecycle, views
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.dependencies import BatchDependencies, gateway_refusal, plan_rules
from calling_pipeline.call_batches.pushing import runs, starting
from calling_pipeline.call_batches.records import BatchState
from calling_pipeline.cli.call_batches.history import history
from calling_pipeline.cli.call_batches.results import join, results
from calling_pipeline.cli.call_batches.rows import rows, why
from calling_pipeline.cli.call_batches.tasks import task
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table_of
from calling_pipeline.errors import Busy, ConfigurationError, InvalidInput


@click.group()
def calls() -> None:
    """Call batches: what is called, when, and what became of it."""


calls.add_command(task)
calls.add_command(rows)
calls.add_command(why)
calls.add_command(results)
calls.add_command(join)
calls.add_command(history)


@calls.command(cls=PipelineCommand)
@click.option("--task", "name", required=True, help="Name of the calling task.")
@click.pass_obj
def preview(door: Door, name: str) -> Answer:
    """Show the pre-flight card: who would be called now, and why the others would not. Writes nothing.

    Example: calling-pipeline calls preview --task "new orders"
    """
    return _previewed(door, name)


@calls.command(cls=PipelineCommand)
@click.option("--task", "name", required=True, help="Name of the calling task.")
@click.option("--dry-run", is_flag=True, help="Only show the pre-flight card.")
@click.option("--wait", is_flag=True, help="Wait here for the calling hours instead of leaving the batch waiting.")
@click.option("--expires-at", metavar="TIME", help="Call nobody from then on, e.g. 2026-11-30T18:00 (Asia/Shanghai).")
@click.pass_obj
def run(door: Door, name: str, dry_run: bool, wait: bool, expires_at: str | None) -> Answer:
    """Plan one batch of a task now and push it.

    Outside the calling hours the batch is planned and left waiting; it goes on by itself (sensor `calling_tasks`) or with
    `calls resume`. Ctrl-C pauses the batch and waits for the answers on their way; a second Ctrl-C does not wait. In shadow
    mode the batch is planned, and nobody of it is ever called.

    \b
    calling-pipeline calls run --task "new orders" --dry-run
    calling-pipeline calls run --task "new orders"
    """
    if dry_run:
        return _previewed(door, name)
    runtime = door.ready_runtime
    if not runtime.settings.shadow and (refusal := gateway_refusal(runtime.settings)) is not None:
        raise ConfigurationError(refusal)
    until = None if expires_at is None else days.parse_instant(expires_at, field="--expires-at")
    stop = StopRequest()
    with stop.listening():
        batch = runs.plan_task(runtime.engine, name, rules=plan_rules(runtime.settings), expires_at=until, by=acting_user())
        return _pushed(door, batch.id, stop, wait=wait)


@calls.command(cls=PipelineCommand)
@click.argument("batch_id", required=False, type=int, metavar="[BATCH]")
@click.option("--task", "name", help="Only batches of this task.")
@click.option("--day", metavar="DATE", help="Only batches of this day.")
@click.option("--state", type=click.Choice(get_args(BatchState)), help="Only batches in this state.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.pass_obj
def batches(door: Door, batch_id: int | None, name: str | None, day: str | None, state: str | None, limit: int) -> Answer:
    """List batches, newest first; with BATCH show one, its card reconciled and its unknown calls."""
    if batch_id is not None:
        return _shown(door, batch_id)
    wanted = days.day_asked(day, field="--day") if day else None
    with door.ready_runtime.transaction() as connection:
        found = batch_store.latest_batches(connection, task=name, day=wanted, state=state, limit=limit)
    lines = [views.batch_line(batch) for batch in found]
    columns = ("batch_id", "task", "day", "state", "source_rows", "to_call", "note")
    return Answer(lines, [table_of(columns, lines)])


def _batch_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--batch", "option_id", type=int, hidden=True)(command)
    return click.argument("batch_id", required=False, type=int, metavar="BATCH")(command)


_reason = click.option("--reason", default="", help="Why; kept in the audit log.")


def _one(batch_id: int | None, option_id: int | None) -> int:
    chosen = batch_id if batch_id is not None else option_id
    if chosen is None:
        raise click.UsageError("name the batch: its number is in `calling-pipeline calls batches`")
    return chosen


@calls.command(cls=PipelineCommand)
@_batch_argument
@_reason
@click.pass_obj
def pause(door: Door, batch_id: int | None, option_id: int | None, reason: str) -> Answer:
    """Send nothing more of a batch; what is on its way is still recorded."""
    chosen = _one(batch_id, option_id)
    with door.ready_runtime.transaction() as connection:
        lifecycle.pause(connection, chosen, by=acting_user(), reason=reason)
    return _shown(door, chosen)


@calls.command(cls=PipelineCommand)
@_batch_argument
@_reason
@click.pass_obj
def resume(door: Door, batch_id: int | None, option_id: int | None, reason: str) -> Answer:
    """Let a paused or waiting batch go on: in the process that holds it, else here."""
    chosen = _one(batch_id, option_id)
    with door.ready_runtime.transaction() as connection:
        lifecycle.resume(connection, chosen, by=acting_user(), reason=reason)
    stop = StopRequest()
    try:
        with stop.listening():
            return _pushed(door, chosen, stop, wait=False)
    except Busy:
        return _shown(door, chosen)


@calls.command(cls=PipelineCommand)
@_batch_argument
@_reason
@click.pass_obj
def cancel(door: Door, batch_id: int | None, option_id: int | None, reason: str) -> Answer:
    """End a batch: everything not yet sent is skipped; what is on its way is still recorded."""
    chosen = _one(batch_id, option_id)
    runtime = door.ready_runtime
    with runtime.transaction() as connection:
        lifecycle.cancel(connection, chosen, by=acting_user(), reason=reason)
    lifecycle.recover(runtime.engine, by=acting_user())
    return _shown(door, chosen)


@calls.command(cls=PipelineCommand)
@click.argument("call_ids", nargs=-1, type=int, metavar="[CALL]...")
@click.option("--batch", "batch_id", type=int, help="Every unknown call of this batch.")
@click.option("--distinct-id", help="The call with this distinct_id.")
@click.option("--as", "settlement", required=True, type=click.Choice(["pushed", "retry"]), help="Was it made, or not?")
@click.option("--note", default="", help="How you know.")
@click.pass_obj
def settle(
    door: Door, call_ids: tuple[int, ...], batch_id: int | None, distinct_id: str | None, settlement: str, note: str
) -> Answer:
    """Settle calls whose outcome is unknown, after asking the gateway's operator.

    `pushed`: the call was made. `retry`: it was not, call again (same distinct_id, policy checked again).

    \b
    calling-pipeline calls settle 4711 --as pushed --note "in the gateway's list"
    calling-pipeline calls settle --batch 12 --as retry
    """
    if not call_ids and batch_id is None and distinct_id is None:
        raise InvalidInput("name calls, a --batch or a --distinct-id to settle")
    with door.ready_runtime.transaction() as connection:
        done = lifecycle.settle(
            connection,
            settlement_of(settlement),
            batch_id=batch_id,
            ids=list(call_ids) or None,
            distinct_id=distinct_id,
            by=acting_user(),
            note=note,
        )
    said = f"{done.calls} calls settled as {settlement}"
    if settlement == "retry":
        said += f"; resume batches {', '.join(map(str, done.batches))} or let the sensor do it"
    return Answer({"settled": done.calls, "as": settlement, "batches": done.batches}, [said])


@calls.command(cls=PipelineCommand)
@_batch_argument
@click.option("--code", help="Only calls that the gateway refused with this code, whatever it means.")
@click.option("--reason", required=True, help="What was mended.")
@click.pass_obj
def requeue(door: Door, batch_id: int | None, option_id: int | None, code: str | None, reason: str) -> Answer:
    """Have calls made again for which the gateway refused our account, not the number; `calls resume` then calls them.

    \b
    calling-pipeline calls requeue 12 --reason "the event code was missing"
    calling-pipeline calls requeue 12 --code 9001 --reason "the account had no credit"
    """
    chosen = _one(batch_id, option_id)
    with door.ready_runtime.transaction() as connection:
        count = lifecycle.requeue(connection, chosen, code=code, reason=reason, by=acting_user())
    said = f"{count} calls of batch {chosen} are to be made again; `calling-pipeline calls resume {chosen}` makes them"
    return Answer({"requeued": count, "batch_id": chosen}, [said])


@calls.command(cls=PipelineCommand)
@click.argument("call_ids", nargs=-1, required=True, type=int, metavar="CALL...")
@click.option("--reason", required=True, help="What you found.")
@click.pass_obj
def accept(door: Door, call_ids: tuple[int, ...], reason: str) -> Answer:
    """Say that you looked into calls that came too often: batches start again. Kept in the task ledger.

    Example: calling-pipeline calls accept 4711 --reason "a second contract of the same customer"
    """
    with door.ready_runtime.transaction() as connection:
        accepted = starting.accept(connection, call_ids, reason=reason, by=acting_user())
    return Answer({"accepted": accepted}, [f"{accepted} calls accepted; `calls resume` the batches that were stopped"])


def _previewed(door: Door, name: str) -> Answer:
    runtime = door.ready_runtime
    card = runs.preview_task(runtime.engine, name, plan_rules(runtime.settings))
    refusal = gateway_refusal(runtime.settings)
    document = {"task": name, **views.card_document(card), "refusal": refusal}
    lines = [*views.card_lines(card), *([] if refusal is None else [f"cannot start: {refusal}"])]
    return Answer(document, lines, failed=refusal is not None)


def _pushed(door: Door, batch_id: int, stop: StopRequest, *, wait: bool) -> Answer:
    runtime = door.ready_runtime
    with runtime.transaction() as connection:
        total = batch_store.batch(connection, batch_id).card.to_call
    with door.progress() as bar:
        shown = bar.add_task(f"batch {batch_id}", total=total)
        dependencies = BatchDependencies.from_runtime(runtime, by=acting_user(), patience_s=7 * 86400.0 if wait else 30.0)
        runs.push(dependencies, batch_id, lambda done: bar.advance(shown, done), stop)
    answer = _shown(door, batch_id)
    if not stop.requested or answer.document["state"] != "paused":
        return answer
    called = answer.document["outcome"].get("pushed", 0)
    said = f"{called} of {total} called, batch {batch_id} is paused; `calling-pipeline calls resume {batch_id}`"
    return Answer({**answer.document, "stopped": said}, [*answer.lines, said], failed=True)


def _shown(door: Door, batch_id: int) -> Answer:
    with door.ready_runtime.transaction() as connection:
        document = views.batch_document(connection, batch_id)
    halted = document["state"] == "paused" and "gateway" in document["note"]
    return Answer(document, views.batch_lines(document), failed=halted)
