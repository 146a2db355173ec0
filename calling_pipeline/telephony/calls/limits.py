"""How many calls a tenant and each of its collectors may make within an hour and a day. Exact under concurrency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from calling_pipeline.database import locks
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.records import CallOutcome
from calling_pipeline.telephony.tenants import store as tenant_store

LIMITS: Mapping[str, str] = {
    "calls_per_hour": "the tenant's limit of {limit} calls within an hour",
    "calls_per_day": "the tenant's limit of {limit} calls within 24 hours",
    "collector_calls_per_hour": "this collector's limit of {limit} calls within an hour",
    "collector_calls_per_day": "this collector's limit of {limit} calls within 24 hours",
}
"""Column of the configuration → what it limits, for people."""


def limited(config: tenant_store.Row) -> bool:
    """Whether the configuration limits calls at all."""
    return any(config._mapping[name] is not None for name in LIMITS)


def hold(connection: sa.Connection, config: tenant_store.Row) -> None:
    """Let the tenant's other clicks wait until this transaction ends, when its calls are limited."""
    if limited(config):
        locks.hold(connection, "telephony calls", config.tenant_id)


def refusal(connection: sa.Connection, config: tenant_store.Row, collector_id: int, now: dt.datetime) -> CallOutcome | None:
    """The refusal of a call beyond a limit, or None. Holds `hold`'s lock, so that what is counted is exact."""
    if not limited(config):
        return None
    hold(connection, config)
    counts = call_store.count_calls(connection, config.tenant_id, collector_id, now)._asdict()
    for name, words in LIMITS.items():
        limit = config._mapping[name]
        if limit is not None and counts[name] >= limit:
            return CallOutcome("refused", f"{words.format(limit=limit)} is reached", rule=name)
    return None
