"""Judgements made again and again: one alert when a condition turns bad, one when it is good again."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.alerts import store
from calling_pipeline.alerts.records import Alert, Change, Condition, Severity

REMIND_AFTER = dt.timedelta(hours=24)


def observe(connection: sa.Connection, condition: Condition) -> Change:
    """Save a judgement and record the alert it calls for, in the caller's transaction.

    Returns `failing` or `recovered` when an alert was recorded, else `quiet` or `old`. A condition that stays bad is
    announced again after a day; a judgement older than the saved one changes nothing.
    """
    change = store.save_judgement(connection, condition, remind_after=REMIND_AFTER)
    match change:
        case "failing":
            store.record(connection, _alert(condition, condition.severity, f"Failing: {condition.title}"))
        case "recovered":
            store.record(connection, _alert(condition, "info", f"Recovered: {condition.title}"))
    return change


def _alert(condition: Condition, severity: Severity, title: str) -> Alert:
    return Alert(f"{condition.name}#{condition.event}", severity, title, condition.text, condition.room)
