"""The outboxes of the room, by the name people know them by."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.notifications.contracts.store import OUTBOX as CONTRACTS
from calling_pipeline.notifications.outbox.store import Outbox
from calling_pipeline.notifications.technicians.store import OUTBOX as TECHNICIANS

OUTBOXES: dict[str, Outbox] = {"contracts": CONTRACTS, "technicians": TECHNICIANS}


def last_vendor_answer(connection: sa.Connection) -> dt.datetime | None:
    """When WeCom last took a message, of any outbox; None when it never did."""
    times = [outbox.last_delivery(connection) for outbox in OUTBOXES.values()]
    return max((at for at in times if at is not None), default=None)
