"""SQL of what sections read that no room shows over several days. It reads and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.database.sql import load

_BATCHES = load("reports/sections/batches")
_MESSAGES = load("reports/sections/messages")


def batches_of(connection: sa.Connection, first: dt.date, last: dt.date) -> Sequence[sa.RowMapping]:
    """The batches of these days, both included, with cards and results; the largest first."""
    return connection.execute(_BATCHES, {"first": first, "last": last}).mappings().all()


def messages_of(connection: sa.Connection, first: dt.datetime, last: dt.datetime) -> Sequence[sa.RowMapping]:
    """The messages of each outbox that were written from `first` until before `last`, counted by state."""
    return connection.execute(_MESSAGES, {"first": first, "last": last}).mappings().all()
