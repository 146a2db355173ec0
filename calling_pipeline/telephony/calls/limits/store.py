"""SQL that counts a tenant's calls within an hour and a day. It reads and changes nothing."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import sqlalchemy as sa

from calling_pipeline.database.sql import load

_COUNT_CALLS = load("telephony/calls/limits/count_calls")
_BUSIEST_COLLECTOR = load("telephony/calls/limits/busiest_collector")


class CallCounts(NamedTuple):
    """Calls of a tenant, and of one collector among them, within the last hour and the last 24 hours."""

    calls_per_hour: int
    calls_per_day: int
    collector_calls_per_hour: int
    collector_calls_per_day: int


def count_calls(connection: sa.Connection, tenant_id: int, collector_id: int, now: dt.datetime) -> CallCounts:
    """How many calls the tenant and the collector have begun; calls that certainly were not made do not count."""
    values = {"tenant_id": tenant_id, "collector_id": collector_id, "now": now}
    return CallCounts(*connection.execute(_COUNT_CALLS, values).one())


def busiest_collector(connection: sa.Connection, tenant_id: int, now: dt.datetime) -> CallCounts:
    """The tenant's calls, and the most of any one collector within the hour and within the 24 hours."""
    return CallCounts(*connection.execute(_BUSIEST_COLLECTOR, {"tenant_id": tenant_id, "now": now}).one())
