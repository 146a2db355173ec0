"""Tasks and credits of users: rows of JSON details with a list of tasks, or one row per task, into the task ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.errors import InvalidInput
from calling_pipeline.takeover import values
from calling_pipeline.takeover.job import Job, Work
from calling_pipeline.takeover.mapping import Section
from calling_pipeline.takeover.records import Counts, Fields, Row
from calling_pipeline.task_ledger import store
from calling_pipeline.task_ledger.ledger import text_id
from calling_pipeline.task_ledger.records import MOVES, State
from calling_pipeline.task_ledger.store_taking import OldTask, take_tasks

FEATURE = "usage"
"""Of tasks that name none."""
_STATES: Mapping[str, State] = {"pending_words": "pending", "completed_words": "completed", "failed_words": "failed"}


def take(job: Job, connection: sa.Connection, section: Section, rows: Sequence[Row], counts: Counts) -> None:
    """Take every task of these rows; of one that stands twice the state that a ledger cannot go back from."""
    wanted: dict[str, OldTask] = {}
    for row in rows:
        for fields in _tasks(section, row, counts):
            counts.rows_read += 1
            task = _task(job, section, fields, counts)
            if task is None:
                continue
            before = wanted.setdefault(task.task_id, task)
            if before is not task:
                counts.refuse("repeated")
                if before.state != task.state:
                    states = " and ".join(sorted((before.state, task.state)))
                    counts.note(f"task_{'_and_'.join(sorted((before.state, task.state)))}", f"{task.task_id}: {states}")
                if task.state != before.state and task.state in MOVES[before.state]:
                    wanted[task.task_id] = task
    known = store.states_of(connection, list(wanted))
    taken = take_tasks(connection, list(wanted.values()), by=job.by)
    counts.taken += len(taken)
    counts.already_there += len(wanted) - len(taken)
    for task_id, task in wanted.items():
        if task_id not in taken and known.get(task_id, task.state) != task.state:
            counts.note("task_in_another_state", f"{task_id}: {known[task_id]} here, {task.state} there")


def _tasks(section: Section, row: Row, counts: Counts) -> Iterator[Fields]:
    """The tasks of one row. Rows without a readable list are counted with their reason."""
    fields = section.fields(row)
    if "details" not in fields:
        yield fields
        return
    document = values.document(fields["details"])
    found = document.get("tasks") if isinstance(document, dict) else document
    if not isinstance(found, list):
        counts.rows_read += 1
        counts.refuse("details_not_readable" if document is None else "no_tasks")
        return
    if not found:
        counts.rows_read += 1
        counts.refuse("no_tasks")
    for item in found:
        inner = item if isinstance(item, dict) else {}
        named = {
            name: values.first_of(inner, section.lists[name]) for name in ("task_id", "state", "feature", "credits", "at")
        }
        yield {**named, "user": fields.get("user")}


def _task(job: Job, section: Section, fields: Fields, counts: Counts) -> OldTask | None:
    try:
        task_id = text_id(
            fields.get("task_id") if isinstance(fields.get("task_id"), int) else str(fields.get("task_id") or "")
        )
    except InvalidInput:
        counts.refuse("no_task_id")
        return None
    state = next((state for words, state in _STATES.items() if section.says(words, fields.get("state"))), None)
    credits = values.whole(fields.get("credits")) if fields.get("credits") is not None else 0
    if state is None or credits is None:
        counts.refuse("unknown_state" if state is None else "credits_not_readable")
        counts.note("task_not_readable", f"{task_id}: {values.text(fields.get('state'))}")
        return None
    at = min(values.moment(fields.get("at")) or days.now(), days.now())
    details: dict[str, Any] = {"user": values.text(fields.get("user"))} if fields.get("user") is not None else {}
    feature = (values.text(fields.get("feature")) or FEATURE)[:200]
    return OldTask(task_id, feature, state, credits, at, job.source.name, details)


WORK = Work("tasks", ("tasks",), take)
