"""Whether and when a number may be redialled, as every door answers."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from typing_extensions import TypedDict

from calling_pipeline import days
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calling_tasks.redials import store as redial_store
from calling_pipeline.call_batches.calling_tasks.redials.records import REDIAL_SAID
from calling_pipeline.call_batches.records import REASONS


class RedialNow(TypedDict):
    """The rule by its result and in words, from when it allows a redial, and why not now."""

    task: str
    rule: str | None
    said: str
    free_at: dt.datetime | None
    reason: str | None
    reason_said: str


def of_phone(connection: sa.Connection, phone: str) -> RedialNow | None:
    """What the redial rules of the task that called a canonical number last say about it; None when none is about it.

    Every other guard of the planner comes on top.
    """
    task_id = redial_store.last_task(connection, phone)
    if task_id is None:
        return None
    task, now = task_store.by_id(connection, task_id), days.now()
    recall_from = None if task.recall_days is None else now - dt.timedelta(days=task.recall_days)
    found = redial_store.verdicts(connection, task.id, task.redial, [phone], recall_from=recall_from, now=now)
    if phone not in found:
        return None
    verdict = found[phone]
    return {
        "task": task.name,
        "rule": verdict.rule,
        "said": REDIAL_SAID.get(verdict.rule or "", ""),
        "free_at": verdict.free_at,
        "reason": verdict.reason,
        "reason_said": REASONS.get(verdict.reason or "", ""),
    }
