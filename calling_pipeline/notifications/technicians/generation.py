"""From technicians' status changes to messages in the outbox: one to the company's receiver, one to the robot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days, tracing
from calling_pipeline.activity.noting import note
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.notifications.config import choose
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.records import Draft, MessageState
from calling_pipeline.notifications.rendering import render
from calling_pipeline.notifications.technicians import store
from calling_pipeline.notifications.technicians.records import TO_COMPANY, TO_ROBOT, Change, Generated, Status
from calling_pipeline.notifications.technicians.rows import read_rows

SIGNS: dict[Status, str] = {"上线": "🟢", "下线": "🔴"}


@tracing.traced("generate")
def generate(
    connection: sa.Connection, rows: Sequence[Any], deps: NotificationDependencies, *, created_by: str, send: bool = True
) -> Generated:
    """Put two messages into the outbox for every change id not seen before.

    With `send` false, and in shadow mode, the changes are noted as known and nothing is sent. Raises `ConfigurationError`
    when no robot is configured.
    """
    send = send and not deps.shadow
    changes, bad = read_rows(rows)
    generated = Generated(rows=len(rows), bad_rows=bad)
    known = store.known_changes(connection, [change.change_id for change in changes])
    fresh = {change.change_id: change for change in reversed(changes) if change.change_id not in known}
    new = sorted(fresh.values(), key=lambda change: change.at)
    old = [change for change in new if not send or _is_old(change, deps)]
    now = days.now()

    def add(some: Sequence[Change], state: MessageState, reason: str | None) -> int:
        drafts = [(change.change_id, draft) for change in some for draft in _drafts(change, deps, generated)]
        return store.add_messages(connection, drafts, created_by=created_by, now=now, state=state, reason=reason)

    generated.messages = add([change for change in new if change not in old], "pending", None)
    add(old, "abandoned", "older than max_age_hours" if send else "noted without sending")
    generated.new_changes, generated.too_old = len(new), len(old)
    generated.companies_without_receiver = sorted(set(generated.companies_without_receiver))
    if new:
        figures = {"new_changes": generated.new_changes, "messages": generated.messages, "too_old": generated.too_old}
        note(connection, "technician_notifications", None, by=created_by, **figures)
    return generated


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


def _drafts(change: Change, deps: NotificationDependencies, generated: Generated) -> list[Draft]:
    body, cut = compose(change)
    plan = deps.plan.technicians
    group = plan.group or choose(deps.robots)
    if group is None or group not in deps.robots:
        raise ConfigurationError(f"no robot for technicians: add {group or 'default'} to CALLING_WECOM_ROBOTS")
    contact = plan.companies.get(change.company) or plan.contact or choose(deps.users, change.company)
    if contact is None or contact not in deps.users:
        generated.companies_without_receiver.append(change.company)
        return [Draft(f"robot:{group}", TO_ROBOT, body, cut)]
    return [Draft(f"user:{contact}", TO_COMPANY, body, cut), Draft(f"robot:{group}", TO_ROBOT, body, cut)]


def _is_old(change: Change, deps: NotificationDependencies) -> bool:
    limit = deps.plan.technicians.max_age_hours
    return limit is not None and change.at < days.now() - dt.timedelta(hours=limit)
