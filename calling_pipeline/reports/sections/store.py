"""SQL of what sections read that no room shows over several days. It reads and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.database.sql import load

_BATCHES = load("reports/sections/batches")
_MESSAGES = load("reports/sections/messages")
_LINE_DAYS = load("reports/sections/line_days")
_MESSAGE_DAYS = load("reports/sections/message_days")


def batches_of(connection: sa.Connection, first: dt.date, last: dt.date) -> Sequence[sa.RowMapping]:
    """The batches of these days, both included, with cards and results; the largest first."""
    return connection.execute(_BATCHES, {"first": first, "last": last}).mappings().all()


def messages_of(connection: sa.Connection, first: dt.datetime, last: dt.datetime) -> Sequence[sa.RowMapping]:
    """The messages of each outbox that were written from `first` until before `last`, counted by state."""
    return connection.execute(_MESSAGES, {"first": first, "last": last}).mappings().all()


def unsettled_line_days(connection: sa.Connection, first: dt.date, last: dt.date) -> Sequence[sa.RowMapping]:
    """The days, both included, with `open_calls`, whose result is not known, or calls that are `unbilled`."""
    return connection.execute(_LINE_DAYS, {"first": first, "last": last}).mappings().all()


def unsettled_message_days(connection: sa.Connection, first: dt.date, last: dt.date) -> Sequence[sa.RowMapping]:
    """The days, both included, on which messages were written that are `held` or still `under_way`."""
    return connection.execute(_MESSAGE_DAYS, {"first": first, "last": last}).mappings().all()
