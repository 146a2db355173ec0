"""How many calls a tenant and each of its collectors may make within an hour and a day. Exact under concurrency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from calling_pipeline.database import locks
from calling_pipeline.telephony.calls.limits import store
from calling_pipeline.telephony.records import CallOutcome
from calling_pipeline.telephony.tenants import store as tenant_store

LIMITS: Mapping[str, str] = {
    "calls_per_hour": "the tenant's limit of {limit} calls within an hour",
    "calls_per_day": "the tenant's limit of {limit} calls within 24 hours",
    "collector_calls_per_hour": "a collector's limit of {limit} calls within an hour",
    "collector_calls_per_day": "a collector's limit of {limit} calls within 24 hours",
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
    counts = store.count_calls(connection, config.tenant_id, collector_id, now)
    for name in _reached(config, counts):
        return CallOutcome("refused", _sentence(config, name), rule=name)
    return None


def reached(connection: sa.Connection, config: tenant_store.Row, now: dt.datetime) -> list[str]:
    """Sentences about the limits that the tenant, or one of its collectors, has reached."""
    if not limited(config):
        return []
    counts = store.busiest_collector(connection, config.tenant_id, now)
    return [_sentence(config, name) for name in _reached(config, counts)]


def _reached(config: tenant_store.Row, counts: store.CallCounts) -> list[str]:
    limits = {name: config._mapping[name] for name in LIMITS}
    return [name for name, limit in limits.items() if limit is not None and counts._asdict()[name] >= limit]


def _sentence(config: tenant_store.Row, name: str) -> str:
    return f"{LIMITS[name].format(limit=config._mapping[name])} is reached"
