"""One round of delivery for either outbox, and the alerts about what it leaves. Knows neither contracts nor technicians."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline import days, tracing
from calling_pipeline.activity.noting import note
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.database.engine import direct_url, driver_dsn
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.delivery import Dispatcher
from calling_pipeline.notifications.outbox.receivers import sender
from calling_pipeline.notifications.outbox.records import HELD, DeliveryReport, HeldMessage
from calling_pipeline.notifications.outbox.store import Outbox
from calling_pipeline.shadow import require_off

_SHOWN = 20
_MEANING = {
    "unknown": "may have been sent and are held until a person settles them",
    "dead": "could not be sent and were given up",
}


@tracing.traced("deliver")
def deliver_round(deps: NotificationDependencies, outbox: Outbox) -> DeliveryReport:
    """Mark orphaned claims unknown, send everything that is due, and alert about what is held.

    Raises `DatabaseUnavailable` when the database stays away, `ShadowMode` in shadow mode.
    """
    require_off(deps.shadow)
    tracing.note(outbox=outbox.table.name)
    with deps.transaction() as connection:
        orphaned = outbox.mark_orphans_unknown(connection)
        if orphaned:
            _note(connection, outbox, unknown=orphaned)
    try:
        report = asyncio.run(_deliver(deps, outbox))
    finally:
        with deps.transaction() as connection:
            alert_about_held(connection, outbox)
    with deps.transaction() as connection:
        report.next_due_at = outbox.next_due(connection)
        if report.attempted:
            _note(connection, outbox, delivered=report.delivered)
    return report


def _note(connection: sa.Connection, outbox: Outbox, **counts: int) -> None:
    note(connection, outbox.asset, days.today() if outbox.asset_has_days else None, by="", **counts)


def alert_about_held(connection: sa.Connection, outbox: Outbox) -> int:
    """Alert once about each message that is held since the last time; returns how many."""
    held = outbox.announce_held(connection)
    for state in HELD:
        messages = [message for message in held if message.state == state]
        if messages:
            conditions.observe(connection, _condition(outbox, state, messages))
    close_what_is_settled(connection, outbox)
    return len(held)


def close_what_is_settled(connection: sa.Connection, outbox: Outbox) -> None:
    """Say that nothing is held any more, of each state that no message is in."""
    counts = outbox.open_counts(connection)
    for state in HELD:
        if not counts.get(state):
            name = f"messages_{state}:{outbox.table.name}"
            conditions.resolve(connection, name, f"no message about {outbox.about} is {state} any more")


def _condition(outbox: Outbox, state: str, messages: Sequence[HeldMessage]) -> Condition:
    """Its signature holds the first message's attempts: a message held again after a redrive is another occasion."""
    first = messages[0]
    receivers = sorted({message.receiver for message in messages})
    more = f" and {len(messages) - _SHOWN} more" if len(messages) > _SHOWN else ""
    shown = ", ".join(str(message.id) for message in messages[:_SHOWN]) + more
    text = (
        f"{len(messages)} messages about {outbox.about} {_MEANING[state]}: {shown}; to {', '.join(receivers[:_SHOWN])}."
        " See `calling-pipeline notify status`; decide with `calling-pipeline notify settle` or `notify redrive`."
    )
    return Condition(
        name=f"messages_{state}:{outbox.table.name}",
        failing=True,
        severity="error",
        title=f"no message about {outbox.about} is {state}",
        text=text,
        room="notifications",
        event=conditions.moment(),
        subject=outbox.table.name,
        signature=f"{first.id}:{first.attempts}",
    )


async def _deliver(deps: NotificationDependencies, outbox: Outbox) -> DeliveryReport:
    async with deps.wecom() as wecom:
        send = sender(wecom, deps.robots, deps.users)
        dsn = driver_dsn(direct_url(deps.engine))
        return await Dispatcher(dsn, outbox, send, width=deps.width, rate=deps.rate).run()
