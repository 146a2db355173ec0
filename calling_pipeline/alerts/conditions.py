"""Judgements that are made again and again become one alert when they turn bad, and one when they are good again."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.alerts import store
from calling_pipeline.alerts.records import Alert, Condition

REMIND_AFTER = dt.timedelta(hours=24)


def observe(connection: sa.Connection, condition: Condition) -> str:
    """Keep a judgement and record the alert it calls for, in the caller's transaction.

    Returns `failing` or `recovered` when an alert was recorded, else `quiet` or `old`. A condition that stays bad is
    told again after a day; judgements older than the one known change nothing.
    """
    change = store.judge(connection, condition, remind_after=REMIND_AFTER)
    match change:
        case "failing":
            store.record(connection, _alert(condition, condition.severity, f"Failing: {condition.title}"))
        case "recovered":
            store.record(connection, _alert(condition, "info", f"Recovered: {condition.title}"))
    return change


def _alert(condition: Condition, severity: object, title: str) -> Alert:
    assert severity in ("info", "warning", "error")
    return Alert(f"{condition.name}#{condition.event}", severity, title, condition.text, condition.room)
