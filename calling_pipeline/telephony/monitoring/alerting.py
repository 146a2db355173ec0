"""Raises alerts about the pool and its calls: a busy pool, many failures, late callbacks, limits, lost recordings."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts.conditions import observe
from calling_pipeline.alerts.records import Condition
from calling_pipeline.telephony import quality
from calling_pipeline.telephony.calls.kept_callbacks import store as kept_store
from calling_pipeline.telephony.calls.limits import judging as limits
from calling_pipeline.telephony.calls.recordings import store as recording_store
from calling_pipeline.telephony.monitoring.facts import store as fact_store
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.tenants import store as tenant_store

ROOM = "telephony"
_OUTCOMES_OF = dt.timedelta(minutes=15)
_LOST_WITHIN = dt.timedelta(days=1)
_LOOK_BACK = dt.timedelta(minutes=quality.BUSY_POOL_MINUTES + 1)


def judge(connection: sa.Connection) -> list[str]:
    """Judge utilisation, failures and delays of every configuration; names of the conditions that changed."""
    now = days.now()
    conditions = [*_utilisation(connection, now), *_outcomes(connection, now), *_unread(connection, now)]
    conditions += [*_limits(connection, now), *_recordings(connection, now)]
    return [condition.name for condition in conditions if observe(connection, condition) in ("failing", "recovered")]


def _utilisation(connection: sa.Connection, now: dt.datetime) -> list[Condition]:
    history: dict[int, list[tuple[dt.datetime, float]]] = {}
    tenants: dict[int, int] = {}
    for row in pool_store.utilisation(connection, now - _LOOK_BACK, now):
        history.setdefault(row["config_id"], []).append((row["taken_at"], row["utilisation_pct"]))
        tenants[row["config_id"]] = row["tenant_id"]
    conditions = []
    for config_id, taken in history.items():
        window = now - dt.timedelta(minutes=quality.BUSY_POOL_MINUTES)
        before = [value for at, value in taken if at <= window][-1:]
        within = [value for at, value in taken if at > window]
        covers = quality.BUSY_POOL_MINUTES if before else 0
        failing = quality.pool_is_busy([*before, *within], covers)
        text = f"tenant {tenants[config_id]}: at least {min([*before, *within], default=0):.0f} % in use for 5 minutes"
        conditions.append(_condition("utilisation", config_id, failing, "Extensions are nearly all in use", text, now))
    return conditions


def _outcomes(connection: sa.Connection, now: dt.datetime) -> list[Condition]:
    conditions = []
    for row in fact_store.recent_outcomes(connection, now - _OUTCOMES_OF):
        failures = f"tenant {row.tenant_id}: {row.failed} of {row.settled} calls failed within 15 minutes"
        failing = quality.too_many_fail(row.settled, row.failed)
        conditions.append(_condition("failures", row.config_id, failing, "Many calls fail", failures, now))
        late = quality.callbacks_are_late(row.longest_delay_s)
        delay = f"tenant {row.tenant_id}: the slowest callback took {row.longest_delay_s or 0:.0f} s"
        conditions.append(_condition("callbacks", row.config_id, late, "Infinity's callbacks are late", delay, now))
    return conditions


def _unread(connection: sa.Connection, now: dt.datetime) -> list[Condition]:
    conditions = []
    for config_id, tenant_id, waiting in kept_store.unread(connection):
        text = f"tenant {tenant_id}: {waiting} callback(s) cannot be read and are kept; their calls wait for the bill"
        conditions.append(_condition("unread", config_id, waiting > 0, "Infinity's callbacks cannot be read", text, now))
    return conditions


def _limits(connection: sa.Connection, now: dt.datetime) -> list[Condition]:
    """One alert when a limit of calls is reached, not one per click."""
    conditions = []
    rows, _ = tenant_store.configs(connection, tenant_id=None, enabled=True)
    for row in rows:
        reached = limits.reached(connection, row, now)
        text = f"tenant {row.tenant_id}: {'; '.join(reached)}; more calls are refused until the first of them are older"
        conditions.append(_condition("limit", row.id, bool(reached), "A limit of calls is reached", text, now))
    return conditions


def _recordings(connection: sa.Connection, now: dt.datetime) -> list[Condition]:
    conditions = []
    lost = recording_store.lost_since(connection, now - _LOST_WITHIN)
    rows, _ = tenant_store.configs(connection, tenant_id=None, enabled=True)
    for row in rows:
        number = lost.get(row.id, 0)
        text = (
            f"tenant {row.tenant_id}: {number} recording(s) of the last day could not be fetched before their links expired"
            " or were refused; the pages of their calls say why"
        )
        conditions.append(_condition("recordings", row.id, number > 0, "Recordings were lost", text, now))
    return conditions


def _condition(what: str, config_id: int, failing: bool, title: str, text: str, now: dt.datetime) -> Condition:
    return Condition(
        name=f"telephony_{what}:{config_id}",
        failing=failing,
        severity="warning",
        title=title,
        text=text,
        room=ROOM,
        event=int(now.timestamp() * 1000),
        subject=f"configuration {config_id}",
    )
