"""Technicians' status changes: each new one, a row of Metabase or of a file, becomes two messages.

One goes to the company's receiver, one to the robot.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.errors import ConfigurationError, InvalidInput
from calling_pipeline.notifications.config import choose
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.json_file import read_json
from calling_pipeline.notifications.outbox.records import DeliveryReport, Draft, MessageState
from calling_pipeline.notifications.outbox.rounds import deliver_round
from calling_pipeline.notifications.rendering import render
from calling_pipeline.notifications.technicians import store
from calling_pipeline.vendors.metabase import Metabase

Status = Literal["上线", "下线"]
SIGNS: dict[str, str] = {"上线": "🟢", "下线": "🔴"}
TO_COMPANY = "company"
TO_ROBOT = "robot"


@dataclass(frozen=True)
class Change:
    """One status change of one technician."""

    change_id: str
    at: dt.datetime
    technician: str
    company: str
    status: Status


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read as a status change, and why; `row` counts from 1."""

    row: int
    reason: str


@dataclass
class Taken:
    """What a list of changes gave."""

    rows: int = 0
    new_changes: int = 0
    messages: int = 0
    too_old: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    companies_without_receiver: list[str] = field(default_factory=list)


def read_rows(rows: Sequence[Any]) -> tuple[list[Change], list[BadRow]]:
    """Rows `[change_id, change_time, technician, company, _, [status, …]]` as changes; the bad ones with their reason."""
    changes: list[Change] = []
    bad: list[BadRow] = []
    for place, row in enumerate(rows, 1):
        try:
            changes.append(_change(row))
        except ValueError as error:
            bad.append(BadRow(place, str(error)))
    return changes, bad


def rows_of_file(path: Path) -> list[Any]:
    """The rows in a JSON file: a list of rows, or Metabase's `{"data": {"rows": […]}}`.

    Raises `InvalidInput` for any other content.
    """
    document = read_json(path)
    if isinstance(document, dict):
        document = document.get("data", document)
        document = document.get("rows") if isinstance(document, dict) else document
    if not isinstance(document, list):
        raise InvalidInput(f'{path} must hold a list of rows, or {{"data": {{"rows": […]}}}}')
    return document


def rows_of_metabase(metabase: Callable[[], Metabase], card: int) -> list[Any]:
    """The rows of a Metabase question."""

    async def ask() -> list[Any]:
        async with metabase() as client:
            return await client.card_rows(card)

    return asyncio.run(ask())


def take(
    connection: sa.Connection, rows: Sequence[Any], deps: NotificationDependencies, *, created_by: str, send: bool = True
) -> Taken:
    """Put two messages into the outbox for every change id not seen before.

    With `send` false the changes are noted as known and nothing is sent. Raises `ConfigurationError` when no robot is
    configured.
    """
    changes, bad = read_rows(rows)
    taken = Taken(rows=len(rows), bad_rows=bad)
    known = store.known_changes(connection, [change.change_id for change in changes])
    fresh = {change.change_id: change for change in reversed(changes) if change.change_id not in known}
    new = sorted(fresh.values(), key=lambda change: change.at)
    old = [change for change in new if not send or _is_old(change, deps)]
    now = days.now()

    def add(some: Sequence[Change], state: MessageState, reason: str | None) -> int:
        drafts = [(change.change_id, draft) for change in some for draft in _drafts(change, deps, taken)]
        return store.add_messages(connection, drafts, created_by=created_by, now=now, state=state, reason=reason)

    taken.messages = add([change for change in new if change not in old], "pending", None)
    add(old, "abandoned", "older than max_age_hours" if send else "noted without sending")
    taken.new_changes, taken.too_old = len(new), len(old)
    taken.companies_without_receiver = sorted(set(taken.companies_without_receiver))
    return taken


def deliver(deps: NotificationDependencies) -> DeliveryReport:
    """Send what is due of the technicians' messages."""
    return deliver_round(deps, store.OUTBOX)


def compose(change: Change) -> tuple[str, int]:
    """The text about a change and the bytes cut off it: technician, company, the minute, the new status."""
    return render(
        "technician.j2",
        sign=SIGNS[change.status],
        technician=change.technician,
        company=change.company,
        minute=change.at.astimezone(days.SHANGHAI).strftime("%Y-%m-%d %H:%M"),
        status=change.status,
    )


def _drafts(change: Change, deps: NotificationDependencies, taken: Taken) -> list[Draft]:
    body, cut = compose(change)
    plan = deps.plan.technicians
    group = plan.group or choose(deps.robots)
    if group is None or group not in deps.robots:
        raise ConfigurationError(f"no robot for technicians: add {group or 'default'} to CALLING_WECOM_ROBOTS")
    contact = plan.companies.get(change.company) or plan.contact or choose(deps.users, change.company)
    if contact is None or contact not in deps.users:
        taken.companies_without_receiver.append(change.company)
        return [Draft(f"robot:{group}", TO_ROBOT, body, cut)]
    return [Draft(f"user:{contact}", TO_COMPANY, body, cut), Draft(f"robot:{group}", TO_ROBOT, body, cut)]


def _is_old(change: Change, deps: NotificationDependencies) -> bool:
    limit = deps.plan.technicians.max_age_hours
    return limit is not None and change.at < days.now() - dt.timedelta(hours=limit)


def _change(row: Any) -> Change:
    if not isinstance(row, list | tuple) or len(row) < 6:
        raise ValueError("a row has six fields: change id, time, technician, company, one unused, list of states")
    change_id, at, technician, company, _, states = row[:6]
    if change_id in (None, "") or isinstance(change_id, bool | float | list | dict):
        raise ValueError("the change id is empty or no text")
    status = states[0] if isinstance(states, list | tuple) and states else states
    if status not in SIGNS:
        raise ValueError(f"the status of change {change_id} is {str(status)[:20]!r}; it must be one of {', '.join(SIGNS)}")
    if not isinstance(technician, str) or not technician.strip() or not isinstance(company, str):
        raise ValueError(f"change {change_id} names no technician or no company")
    return Change(str(change_id).strip(), _instant(at, change_id), technician.strip(), company.strip(), status)


def _instant(text: Any, change_id: object) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"the time of change {change_id} is {str(text)[:40]!r}; it must be ISO 8601") from None
    return at if at.tzinfo else at.replace(tzinfo=days.SHANGHAI)
