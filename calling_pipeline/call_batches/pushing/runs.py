"""Running calling tasks: which ticks are due, one day's batches, one task by hand. What every door calls."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days, tracing
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.at_most_once import shutdown
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.records import Batch, Card
from calling_pipeline.call_batches.calling_tasks import cron
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calling_tasks.records import CallingTask
from calling_pipeline.call_batches.dependencies import BatchDependencies
from calling_pipeline.call_batches.planning import planner
from calling_pipeline.call_batches.pushing.runner import push_batch
from calling_pipeline.call_batches.records import DEFAULT_RULES, PlanRules
from calling_pipeline.contact_policy import gate, hours
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.errors import Busy, ConfigurationError, Conflict, InvalidInput, NotFound
from calling_pipeline.outgoing import holding

LOOK_BACK = dt.timedelta(hours=24)
"""A tick that was missed longer ago is never made up for."""
ON_TIME = dt.timedelta(minutes=10)
"""A tick this young is planned even outside the calling hours, and its batch waits; an older one counts as missed."""


def push(
    dependencies: BatchDependencies,
    batch_id: int,
    on_progress: Callable[[int], None] = lambda done: None,
    stop: shutdown.StopRequest | None = None,
) -> Batch:
    """Push one batch; see `push_batch`, whose errors it raises."""
    try:
        return shutdown.run(push_all(dependencies, [batch_id], on_progress, stop), stop)[0]
    except asyncio.CancelledError:
        if stop is None or not stop.requested:
            raise
        with dependencies.engine.connect() as connection:  # stopped twice: nobody waited for the end
            return batch_store.batch(connection, batch_id)


async def push_all(
    dependencies: BatchDependencies,
    batch_ids: Sequence[int],
    on_progress: Callable[[int], None] = lambda done: None,
    stop: shutdown.StopRequest | None = None,
) -> list[Batch]:
    """Push several batches at the same time, each at its own rate; a failure is raised after all have ended."""

    async def one(batch_id: int) -> Batch:
        async with dependencies.gateway(concurrency=dependencies.limits.concurrency) as gateway:
            return await push_batch(
                dependencies.engine,
                gateway,
                batch_id,
                dependencies.limits,
                by=dependencies.by,
                on_progress=on_progress,
                refusal=dependencies.refusal,
                stop=stop,
            )

    done = await asyncio.gather(*(one(batch_id) for batch_id in batch_ids), return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result
    return [result for result in done if isinstance(result, Batch)]


@dataclass(frozen=True)
class DueTick:
    """One tick whose batch is still to be planned."""

    task: CallingTask
    tick_at: dt.datetime


def due_ticks(connection: sa.Connection, now: dt.datetime, names: Sequence[str] = ()) -> list[DueTick]:
    """For each enabled task its latest tick, when it has no batch yet. A missed one only inside the calling hours."""
    found = []
    for task in task_store.all_tasks(connection):
        if not task.enabled or (names and task.name not in names):
            continue
        tick = cron.latest_tick(task.cron, max(task.ticks_from, now - LOOK_BACK), now)
        if tick is None or batch_store.batch_by_key(connection, planner.tick_key(task, tick)) is not None:
            continue
        policy = gate.with_holidays(connection, policy_from(task.policy), now)
        if now - tick <= ON_TIME or hours.refusal(policy, now) is None:
            found.append(DueTick(task, tick))
    return found


def preview_task(engine: sa.Engine, name: str, rules: PlanRules = DEFAULT_RULES) -> Card:
    """The pre-flight card of the task as it would be planned now. Writes nothing."""
    with engine.connect() as connection:
        task = planner.current(connection, name, rules)
    return preview_draft(engine, task, rules)


def preview_draft(engine: sa.Engine, task: CallingTask, rules: PlanRules = DEFAULT_RULES) -> Card:
    """The pre-flight card of a task that need not be saved (`editing.draft`). Writes nothing."""
    with engine.connect() as connection:
        card = planner.preview(connection, task, rules)
        connection.rollback()
        return card


@tracing.traced("plan")
def plan_task(
    engine: sa.Engine,
    name: str,
    tick_at: dt.datetime | None = None,
    rules: PlanRules = DEFAULT_RULES,
    *,
    expires_at: dt.datetime | None = None,
    by: str = "",
) -> Batch:
    """Plan one batch of a task and commit it; `by` is the person who asked for it, empty at a tick of its own.

    `expires_at` replaces what the task says; `InvalidInput` when it is past.
    """
    if expires_at is not None and expires_at <= days.now():
        raise InvalidInput("the batch would have expired before its first call", field="expires_at")
    with engine.begin() as connection:
        task = planner.current(connection, name, rules)
        batch = planner.plan(connection, task, tick_at, rules, expires_at=expires_at)
        if by:
            _note_run(connection, batch, by=by)
        return batch


def start_task(
    engine: sa.Engine,
    name: str,
    rules: PlanRules = DEFAULT_RULES,
    *,
    to_call: int,
    refusal: str | None = None,
    by: str,
    reason: str = "",
) -> Batch:
    """Plan one batch of a task for a door that does not push; the sensor `calling_tasks` pushes it at its next look.

    `to_call` is how many the person saw in the pre-flight card; `refusal`: why no batch may start with the settings as they
    are. Raises `ConfigurationError` for the latter, and `Conflict` when another number would be called now, or nobody, or
    calls are held back: nothing is planned then.
    """
    if refusal is not None:
        raise ConfigurationError(refusal)
    with engine.begin() as connection:
        if (held := holding.refusal(connection, "batches")) is not None:
            raise Conflict(held)
        batch = planner.plan(connection, planner.current(connection, name, rules), None, rules)
        if batch.card.to_call != to_call:
            raise Conflict(
                f"{batch.card.to_call} people would be called now, not {to_call}: look at the pre-flight card again;"
                " nothing was planned and nobody called"
            )
        if not to_call:
            raise Conflict("nobody would be called now; the pre-flight card says why, nothing was planned")
        _note_run(connection, batch, by=by, reason=reason)
        return lifecycle.hand_over(connection, batch.id)


def _note_run(connection: sa.Connection, batch: Batch, *, by: str, reason: str = "") -> None:
    after = {"task": batch.task_name, "to_call": batch.card.to_call}
    note_act(connection, "batch.run", f"batch:{batch.id}", by=by, reason=reason, after=after)


def require_known(connection: sa.Connection, names: Sequence[str], day: dt.date) -> None:
    """Raise `NotFound`, with the names there are, when no calling task and no batch of `day` has one of `names`."""
    known = {task.name for task in task_store.all_tasks(connection)}
    known |= {batch.task_name for batch in batch_store.batches_of(connection, day)} if names else set()
    wrong = [name for name in names if name not in known]
    if wrong:
        raise NotFound(f"no calling task is named {', '.join(wrong)}; there are: {', '.join(sorted(known)) or 'none'}")


def run_day(
    dependencies: BatchDependencies,
    day: dt.date,
    *,
    names: Sequence[str] = (),
    say: Callable[[str], None] = lambda said: None,
) -> list[Batch]:
    """Plan the ticks due now (when `day` is today) and push every unfinished batch of `day`; returns the day's batches.

    Run again it plans no tick twice and calls nobody twice: it goes on with what is unfinished. A batch that another
    process pushes is left to it.
    """
    unknown = lifecycle.recover(dependencies.engine, by=dependencies.by)
    if unknown:
        say(f"{unknown} calls of processes that are gone are unknown now")
    with dependencies.engine.begin() as connection:
        if expired := lifecycle.expire(connection, by=dependencies.by):
            say(f"{expired} batches have expired")
    if day == days.today():
        _plan_due(dependencies, names, say)
    with dependencies.engine.connect() as connection:
        now = days.now()
        mine = [
            batch.id
            for batch in batch_store.batches_of(connection, day)
            if (not names or batch.task_name in names) and _should_push(connection, batch, now)
        ]
    shutdown.run(_push_quietly(dependencies, mine, say))
    with dependencies.engine.connect() as connection:
        return [b for b in batch_store.batches_of(connection, day) if not names or b.task_name in names]


def _plan_due(dependencies: BatchDependencies, names: Sequence[str], say: Callable[[str], None]) -> None:
    with dependencies.engine.connect() as connection:
        due = due_ticks(connection, days.now(), names)
    for item in due:
        batch = plan_task(dependencies.engine, item.task.name, item.tick_at, dependencies.rules)
        say(f"batch {batch.id} of {batch.task_name}: {batch.card.to_call} to call of {batch.card.source_rows} rows")


def _should_push(connection: sa.Connection, batch: Batch, now: dt.datetime) -> bool:
    if batch.state not in ("planned", "running", "waiting"):
        return False
    if batch.state == "waiting" and batch.resume_at is not None and batch.resume_at > now + dt.timedelta(minutes=1):
        return False
    return not batch_store.is_pushed(connection, batch.id)


async def _push_quietly(dependencies: BatchDependencies, batch_ids: Sequence[int], say: Callable[[str], None]) -> None:
    async def one(batch_id: int) -> None:
        try:
            (batch,) = await push_all(dependencies, [batch_id])
            say(f"batch {batch.id} is {batch.state} {batch.note}".rstrip())
        except (Busy, Conflict) as error:
            say(str(error))

    failures = await asyncio.gather(*(one(batch_id) for batch_id in batch_ids), return_exceptions=True)
    for failure in failures:
        if isinstance(failure, BaseException):
            raise failure
