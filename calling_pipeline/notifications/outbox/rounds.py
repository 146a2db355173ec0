"""One round of delivery for either outbox, and the alerts about what it leaves behind. Knows neither contracts nor
technicians."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from calling_pipeline.alerts.records import Alert
from calling_pipeline.alerts.store import record
from calling_pipeline.database.engine import driver_dsn, reachable
from calling_pipeline.notifications.config import Plan
from calling_pipeline.notifications.outbox.delivery import WIDTH, Dispatcher
from calling_pipeline.notifications.outbox.receivers import sender
from calling_pipeline.notifications.outbox.store import Outbox
from calling_pipeline.notifications.records import DispatchReport
from calling_pipeline.vendors.wecom import WeCom

_SHOWN = 20


@dataclass(frozen=True)
class Means:
    """What notifications work with: the database, a WeCom client a round, the names of robots and users, the plan."""

    engine: sa.Engine
    wecom: Callable[[], WeCom]
    robots: Mapping[str, str] = field(repr=False)
    users: Mapping[str, str]
    plan: Plan
    rate: int
    width: int = WIDTH

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose work is committed when the block ends well."""
        with reachable(self.engine) as connection, connection.begin():
            yield connection


def deliver_round(means: Means, outbox: Outbox) -> DispatchReport:
    """Take stock of what a dead process left, send everything that is due, and tell people what is held."""
    with means.transaction() as connection:
        outbox.bury_the_dead(connection)
    try:
        report = asyncio.run(_dispatch(means, outbox))
    finally:
        with means.transaction() as connection:
            alert_about_held(connection, outbox)
    with means.transaction() as connection:
        report.next_due_at = outbox.next_due(connection)
    return report


def alert_about_held(connection: sa.Connection, outbox: Outbox) -> int:
    """Tell people once about each message that is held since the last time; returns how many."""
    held = outbox.newly_held(connection)
    for state, severity, meaning in (
        ("unknown", "error", "were perhaps sent and are held until a person settles them"),
        ("dead", "error", "could not be sent and were given up"),
    ):
        ids = [id_ for id_, its_state, _ in held if its_state == state]
        if not ids:
            continue
        receivers = sorted({receiver for id_, _, receiver in held if id_ in set(ids)})
        shown = ", ".join(map(str, ids[:_SHOWN])) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
        text = (
            f"{len(ids)} messages of {outbox.table.name} {meaning}: {shown}; to {', '.join(receivers[:_SHOWN])}."
            " See `calling-pipeline notify status`; decide with `calling-pipeline notify settle` or `notify redrive`."
        )
        key = f"notifications:{outbox.table.name}:{state}:{_occasion(connection, outbox, ids[0])}"
        record(connection, Alert(key, severity, f"{len(ids)} messages {state}", text, "notifications"))  # type: ignore[arg-type]
    return len(held)


def _occasion(connection: sa.Connection, outbox: Outbox, id_: int) -> str:
    """A message held again after a redrive is another occasion."""
    table = outbox.table
    attempts = connection.execute(sa.select(table.c.attempts).where(table.c.id == id_)).scalar_one()
    return f"{id_}:{attempts}"


async def _dispatch(means: Means, outbox: Outbox) -> DispatchReport:
    async with means.wecom() as wecom:
        send = sender(wecom, means.robots, means.users)
        dsn = driver_dsn(means.engine.url)
        return await Dispatcher(dsn, outbox, send, width=means.width, rate=means.rate).run()
