"""Saving and finding tasks: a save is validated here and decided by the ledger's function in the database."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days, measures
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.task_ledger import store
from calling_pipeline.task_ledger.naming import without_erased
from calling_pipeline.task_ledger.records import STATES, Account, Saved, Task, TaskDetails, Usage
from calling_pipeline.task_ledger.store import SaveValues

LONGEST_ID = 200
LONGEST_REASON = 500
LONGEST = {"feature": LONGEST_ID, "by": LONGEST_ID, "reason": LONGEST_REASON}
MOST_CREDITS = 2**53
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def save_task_details(connection: sa.Connection, details: TaskDetails) -> Saved:
    """Create or move one task, and charge it when it is completed; exact under any number of concurrent callers.

    A refused move raises nothing: `Saved.outcome` says so, and the refusal is kept once the caller commits. A save with a
    reason is noted in the audit log, a refused one too. Numbers of erased people in the details are masked. Raises
    `InvalidInput` for an empty or null id, an unknown state, negative credits or details that are no JSON object.
    """
    values = _values(details)
    if details.details:
        values["details"] = _json_object(without_erased(connection, details.details))
    edit = bool(details.reason.strip())
    before = store.task(connection, values["task_id"], lock=True) if edit else None
    saved = store.save(connection, values)
    measures.count(measures.LEDGER_SAVES, saved.outcome)
    if edit:
        _note_edit(connection, saved, before, details)
    return saved


def find(connection: sa.Connection, task_id: object) -> Task:
    """One task. Raises `NotFound` when the ledger does not know it, `InvalidInput` for an id that cannot be one."""
    known = store.task(connection, text_id(task_id))
    if known is None:
        raise NotFound(f"the task ledger knows no task {text_id(task_id)!r}")
    return known


def balance(connection: sa.Connection, account: str) -> Account:
    """What the tasks of an account come to. Raises `NotFound` for one that has none, `InvalidInput` for what is no name."""
    found = store.accounts(connection, account=_account(account), limit=1)
    if not found:
        raise NotFound(f"the task ledger knows no account {account[:60]!r}")
    return found[0]


def count_usage(connection: sa.Connection, first: dt.date, last: dt.date) -> list[Usage]:
    """Tasks and credits per day and feature, both days included, counted from the ledger as it is now."""
    return store.usage(connection, days.day_bounds(first)[0], days.day_bounds(last)[1])


def keep_usage(connection: sa.Connection, day: dt.date) -> list[Usage]:
    """Count one day and replace its rows in `task_usage`."""
    rows = count_usage(connection, day, day)
    store.replace_usage(connection, day, rows, days.now())
    return rows


def text_id(task_id: object) -> str:
    """A task id as the text it is compared by: 123 and "123" are one. Raises `InvalidInput` for an empty or null one."""
    if isinstance(task_id, bool) or not isinstance(task_id, str | int):
        raise InvalidInput(f"task_id must be a text or a whole number, not {type(task_id).__name__}", field="task_id")
    text = str(task_id).strip()
    if not text:
        raise InvalidInput("task_id is empty", field="task_id")
    if len(text) > LONGEST_ID or not _storable(text):
        raise InvalidInput(f"task_id must be at most {LONGEST_ID} ordinary characters", field="task_id")
    return text


def _note_edit(connection: sa.Connection, saved: Saved, before: Task | None, details: TaskDetails) -> None:
    """What the save changed, or that it was refused. Details may hold anything, so only the names of theirs are kept."""
    now = store.task(connection, saved.task_id)
    was, became = (_facts(one) if one else {} for one in (before, now))
    changed = [name for name in became if was.get(name) != became[name]]
    if now is not None and before is not None and now.details != before.details:
        changed.append("details")
        was["details"], became["details"] = sorted(before.details), sorted(now.details)
    after: dict[str, Any] = {name: became[name] for name in changed}
    if saved.outcome == "refused":
        after = {"refused": details.state}
    note_act(
        connection,
        "ledger.edit",
        f"task:{saved.task_id}",
        by=details.by,
        reason=details.reason,
        before={name: was.get(name) for name in changed},
        after=after,
    )


def _facts(task: Task) -> dict[str, Any]:
    return {
        "state": task.state,
        "account": task.account,
        "credits": task.credits,
        "free": task.free,
        "charged": task.charged,
    }


def _values(details: TaskDetails) -> SaveValues:
    if details.state not in STATES:
        raise InvalidInput(f"state {str(details.state)[:40]!r} is none of {', '.join(STATES)}", field="state")
    for field, text in (("feature", details.feature), ("by", details.by), ("reason", details.reason)):
        if not isinstance(text, str) or len(text) > LONGEST[field] or not _storable(text):
            raise InvalidInput(f"{field} must be a text of at most {LONGEST[field]} characters", field=field)
    return {
        "task_id": text_id(details.task_id),
        "feature": details.feature.strip(),
        "state": details.state,
        "credits": _credits(details.credits),
        "free": details.free,
        "charge_key": None if details.charge_key is None else text_id(details.charge_key),
        "details": _json_object(details.details),
        "account": None if details.account is None else _account(details.account),
        "by": details.by,
        "now": days.now(),
    }


def _account(account: str) -> str:
    """The name of an account. Raises `InvalidInput` for an empty one and one that is too long."""
    clean = account.strip() if isinstance(account, str) else ""
    if not clean or len(clean) > LONGEST_ID or not _storable(clean):
        raise InvalidInput(f"account must be a name of at most {LONGEST_ID} characters", field="account")
    return clean


def _credits(credits: int | None) -> int | None:
    if credits is None:
        return None
    if isinstance(credits, bool) or not isinstance(credits, int) or not 0 <= credits <= MOST_CREDITS:
        raise InvalidInput("credits must be a whole number, not negative", field="credits")
    return credits


def _json_object(details: Mapping[str, Any] | None) -> str:
    if details is not None and not isinstance(details, Mapping):
        raise InvalidInput("details must be a JSON object", field="details")
    try:
        text = json.dumps(dict(details or {}), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"details cannot be written as JSON: {error}", field="details") from error
    if _NUL.search(text) or not _storable(text):
        raise InvalidInput("details hold a character that PostgreSQL cannot store", field="details")
    return text


def _storable(text: str) -> bool:
    return "\x00" not in text and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))
