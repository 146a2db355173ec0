"""Planning: a calling task's source rows become a batch, in a few set-based statements, every row with its verdict.

Plans are made one at a time (an advisory lock), so that of two batches that share a number the second sees the first.
"""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from psycopg import sql

from calling_pipeline import days
from calling_pipeline.activity.noting import note
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.records import Batch, Card, CardLine, RedialLine
from calling_pipeline.call_batches.calling_tasks import source_schema
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calling_tasks.records import MAPPED, CallingTask
from calling_pipeline.call_batches.calling_tasks.redials import store as redial_store
from calling_pipeline.call_batches.calling_tasks.redials.records import REDIAL_RESULTS
from calling_pipeline.call_batches.planning import phone_sql, placing
from calling_pipeline.call_batches.records import DEFAULT_RULES, REASONS, ROOM, SOURCE_TABLES, PlanRules
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.erased import store as erased
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Policy
from calling_pipeline.database import locks
from calling_pipeline.database.engine import driver_connection
from calling_pipeline.database.sql import statement_of
from calling_pipeline.errors import CallingError
from calling_pipeline.masking import mask_sample
from calling_pipeline.phones import PhoneKind
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails

WORK_MEMORY = "256MB"

VERDICTS = sql.SQL(statement_of("call_batches/planning/verdicts"))
FORGET_ERASED = sql.SQL(statement_of("call_batches/planning/forget_erased"))
FORGET_ERASED_SPELLINGS = sql.SQL(statement_of("call_batches/planning/forget_erased_spellings"))
KEEP = sql.SQL(statement_of("call_batches/planning/keep"))
COUNT_BY_REASON = sql.SQL(statement_of("call_batches/planning/count_by_reason"))


def preview(connection: sa.Connection, task: CallingTask, rules: PlanRules = DEFAULT_RULES) -> Card:
    """The pre-flight card of a batch planned now. The caller rolls back: nothing of it stays."""
    verdicts = _prepare(connection, task, days.now(), rules)
    rows = sql.SQL("({}) AS verdict").format(verdicts)
    return _card(driver_connection(connection).execute(COUNT_BY_REASON.format(rows=rows)).fetchall())


def plan(
    connection: sa.Connection,
    task: CallingTask,
    tick_at: dt.datetime | None,
    rules: PlanRules = DEFAULT_RULES,
    *,
    expires_at: dt.datetime | None = None,
) -> Batch:
    """Plan a batch in the caller's transaction; a tick that has its batch already returns that one unchanged.

    It expires at `expires_at`, or when its task says. In shadow mode it is over at once, and nobody of it is ever called.
    Raises `UnknownIdentifier` when the source no longer fits the task.
    """
    now = days.now()
    locks.hold(connection, "call batches", "planning")
    key = tick_key(task, tick_at) if tick_at else f"manual:{uuid.uuid4()}"
    known = batch_store.batch_by_key(connection, key)
    if known is not None:
        return known
    verdicts = _prepare(connection, task, now, rules)
    if expires_at is None and task.expires_after_s is not None:
        expires_at = now + dt.timedelta(seconds=task.expires_after_s)
    batch_id = batch_store.insert_batch(
        connection, task, key=key, tick_at=tick_at, now=now, expires_at=expires_at, shadow=rules.shadow
    )
    driver = driver_connection(connection)
    number = sql.Literal(batch_id)
    driver.execute(KEEP.format(verdicts=verdicts, batch_id=number))
    kept = sql.SQL("call_tasks WHERE batch_id = {}").format(number)
    card = _card(driver.execute(COUNT_BY_REASON.format(rows=kept)).fetchall())
    if not card.adds_up:
        raise CallingError(f"the plan of {task.name} does not add up: {card.source_rows} rows")
    batch_store.set_card(connection, batch_id, card)
    note(connection, SOURCE_TABLES, None)
    _forget_erased(connection, number)
    placing.place_calls(connection, task, batch_id, now=now, expires_at=expires_at, rate_per_s=rules.rate_per_s)
    details = {"task": task.name, "source_rows": card.source_rows, "to_call": card.to_call}
    save_task_details(connection, TaskDetails(f"batch:{batch_id}", ROOM, "pending", details=details, by=task.name))
    if rules.shadow:
        return lifecycle.end_shadow(connection, batch_id)
    return batch_store.batch(connection, batch_id)


def _forget_erased(connection: sa.Connection, batch_id: sql.Literal) -> None:
    """Nothing of people who had their data erased is stored again."""
    token = erased.token_in_sql(connection, "phone")
    if token is None:
        return
    driver = driver_connection(connection)
    driver.execute(FORGET_ERASED.format(token=token, batch_id=batch_id, erased=erased.condition(connection, "phone")))
    among = erased.condition(connection, "regexp_replace(part.spelling, '[^0-9]', '', 'g')")
    driver.execute(FORGET_ERASED_SPELLINGS.format(batch_id=batch_id, erased=among))


def tick_key(task: CallingTask, tick_at: dt.datetime) -> str:
    """Names the one batch of a task's tick."""
    return f"tick:{task.id}:{tick_at.astimezone(days.SHANGHAI).isoformat()}"


def current(connection: sa.Connection, name: str, rules: PlanRules = DEFAULT_RULES) -> CallingTask:
    """The calling task of that name, checked again against the catalogue."""
    task = task_store.by_name(connection, name)
    source_schema.check_source(connection, task.source, rules.source_schemas)
    return task


def _prepare(connection: sa.Connection, task: CallingTask, now: dt.datetime, rules: PlanRules) -> sql.Composed:
    """The composed verdicts of the task's rows, with the temporary tables they read."""
    integers = source_schema.check_source(connection, task.source, rules.source_schemas)
    driver = driver_connection(connection)
    driver.execute("SET LOCAL work_mem = '{}'".format(WORK_MEMORY))  # noqa: UP032  # a constant; no parameters in SET
    table = sql.Identifier(task.source.schema, task.source.table)
    for name in ("odd_spellings", "judged_phones", "contact_refusals", "redials"):
        driver.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(sql.Identifier(name)))
    phone_sql.judge_odd_spellings(driver, table, task.source.mobile_phone)
    policy = policy_from(task.policy)
    gate.collect_refusals(connection, policy, now)
    driver.execute("ANALYZE contact_refusals")
    recall_from = None if task.recall_days is None else now - dt.timedelta(days=task.recall_days)
    redial_store.collect(connection, task.id, task.redial, recall_from=recall_from, now=now)
    refused_days = rules.refused_days if task.refused_days is None else task.refused_days
    return VERDICTS.format(
        mobile=phone_sql.mobile_in(sql.SQL("spelling")),
        spelling=phone_sql.spelling_of(task.source.mobile_phone),
        fields=_fields(task, integers),
        source_table=table,
        erased=erased.condition(connection, "source_row.callable"),
        kinds=sql.Literal(list(_kinds(task, policy))),
        land_lines=sql.Literal(task.land_lines),
        recall_from=sql.Literal(recall_from),
        refused_from=sql.Literal(now - dt.timedelta(days=refused_days)),
    )


def _fields(task: CallingTask, integers: frozenset[str]) -> sql.Composed:
    columns = task.source.columns
    parts: list[sql.Composable] = []
    for field in MAPPED[1:]:
        column = columns.get(field)
        if field == "order_nums":
            value = _whole_number(column, integers)
        else:
            value = sql.SQL("{}::text").format(sql.Identifier(column)) if column else sql.SQL("NULL::text")
        parts.append(sql.SQL("{} AS {}").format(value, sql.Identifier(field)))
    return sql.SQL(", ").join(parts)


def _whole_number(column: str | None, integers: frozenset[str]) -> sql.Composable:
    """The column as an integer; a text that is no whole number of up to nine digits counts as none."""
    if column is None:
        return sql.SQL("NULL::integer")
    name = sql.Identifier(column)
    if column in integers:
        return sql.SQL("least(greatest({}, -2147483648), 2147483647)::integer").format(name)
    pattern = sql.Literal(r"^\s*\d{1,9}(?:\.0*)?\s*$")
    return sql.SQL("CASE WHEN {name}::text ~ {pattern} THEN trunc({name}::text::numeric)::integer END").format(
        name=name, pattern=pattern
    )


def _kinds(task: CallingTask, policy: Policy) -> tuple[PhoneKind, ...]:
    """The kinds of numbers that are called: land lines where the task and its policy allow them."""
    allowed = policy.number_kinds is None or "land_line" in policy.number_kinds
    return ("mobile", "land_line") if task.land_lines and allowed else ("mobile",)


def _card(rows: list[tuple[object, ...]]) -> Card:
    """The card of rows by reason and redial rule: (reason, rule, count, two samples)."""
    counts = [(str(reason or ""), str(rule or ""), int(str(count))) for reason, rule, count, _, _ in rows]
    samples = {str(reason): tuple(mask_sample(str(s)) for s in dict.fromkeys(both) if s) for reason, _, _, *both in rows}
    order = {reason: place for place, reason in enumerate(REASONS)}
    left_out = [CardLine(reason, n, samples[reason]) for reason, _, n in counts if reason]
    left_out.sort(key=lambda line: order.get(line.reason, len(order)))
    redials = {rule: n for reason, rule, n in counts if rule}
    return Card(
        sum(n for _, _, n in counts),
        sum(n for reason, _, n in counts if not reason),
        tuple(left_out),
        tuple(RedialLine(result, redials[result]) for result in REDIAL_RESULTS if result in redials),
    )
