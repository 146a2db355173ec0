"""SQL of redials: what the rules of a calling task say about the numbers that it called.

Planning, the claim at the moment of the push and the answer to `why` ask the same statement.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_batches.calling_tasks.redials.records import RedialRule, RedialVerdict
from calling_pipeline.call_batches.calling_tasks.redials.rules import documents_of
from calling_pipeline.database.sql import load

BUSY = "占线|忙|正在通话|busy"
NO_ANSWER = "无人接听|未接听|无应答|no.?answer"
"""What the vendor's reasons for a hang-up say, as regular expressions; upper and lower case are one."""

VERDICTS = "call_batches/calling_tasks/redials/verdicts"
OF_PHONES = load(VERDICTS, only="AND history.phone = any(cast(:phones AS text[]))")
LAST_TASK = load("call_batches/calling_tasks/redials/last_task")
COLLECT = sa.text(f"INSERT INTO redials (phone, redial_of, rule, free_at, reason) {load(VERDICTS, only='')}")
TABLE = sa.text(
    'CREATE TEMPORARY TABLE redials (phone text COLLATE "C", redial_of bigint, rule text, free_at timestamptz, reason text)'
    " ON COMMIT DROP"
)


def collect(
    connection: sa.Connection,
    task_id: int,
    rules: Sequence[RedialRule],
    *,
    recall_from: dt.datetime | None,
    now: dt.datetime,
) -> None:
    """Make the temporary table `redials` of every number that the rules are about, for planning; empty without rules."""
    connection.execute(TABLE)
    if rules:
        connection.execute(COLLECT, _values(task_id, rules, recall_from, now))
    connection.exec_driver_sql("ANALYZE redials")


def verdicts(
    connection: sa.Connection,
    task_id: int,
    rules: Sequence[RedialRule],
    phones: Sequence[str],
    *,
    recall_from: dt.datetime | None,
    now: dt.datetime,
) -> dict[str, RedialVerdict]:
    """What the rules say about these canonical numbers now; those they are not about are missing."""
    if not rules or not phones:
        return {}
    values = {**_values(task_id, rules, recall_from, now), "phones": list(phones)}
    found = connection.execute(OF_PHONES, values)
    return {row.phone: RedialVerdict(row.phone, row.redial_of, row.rule, row.free_at, row.reason) for row in found}


def last_task(connection: sa.Connection, phone: str) -> int | None:
    """The calling task that called a canonical number last; None when none did."""
    return connection.execute(LAST_TASK, {"phone": phone}).scalar_one_or_none()


def _values(task_id: int, rules: Sequence[RedialRule], recall_from: dt.datetime | None, now: dt.datetime) -> dict[str, Any]:
    return {
        "task_id": task_id, "rules": json.dumps(documents_of(rules)), "recall_from": recall_from, "now": now, "busy": BUSY,
        "no_answer": NO_ANSWER,
    }  # fmt: skip
