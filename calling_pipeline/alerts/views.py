"""Conditions as people and programs see them: lines of a list, and one in full with what to do."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts import store
from calling_pipeline.alerts.records import StoredCondition
from calling_pipeline.alerts.texts import address, what_to_do


def listed(
    connection: sa.Connection,
    *,
    since: dt.datetime,
    only_open: bool = False,
    kind: str = "",
    limit: int = 100,
    offset: int = 0,
) -> list[StoredCondition]:
    """What is failing, and what recovered since an instant; instants in Asia/Shanghai."""
    found = store.conditions(connection, since=since, only_open=only_open, kind=kind, limit=limit, offset=offset)
    return [_in_shanghai(one) for one in found]


def line(one: StoredCondition) -> dict[str, Any]:
    """One condition in a list; instants as `YYYY-MM-DDTHH:MM:SS+08:00`."""
    shown = asdict(one)
    del shown["event"], shown["failing"], shown["link"]
    return {"id": one.id, "state": one.state, "open": one.failing, **shown}


def document(connection: sa.Connection, number: int, *, ui_url: str) -> dict[str, Any]:
    """One condition in full: its line, what to do, where to look, and the alerts about it with their deliveries.

    Raises `NotFound`.
    """
    one = _in_shanghai(store.condition(connection, number))
    alerts = [asdict(alert) | {"created_at": _local(alert.created_at)} for alert in store.alerts_about(connection, number)]
    return {
        **line(one),
        "what_to_do": what_to_do(one.kind),
        "link": address(ui_url, one.kind, one.link),
        "alerts": alerts,
    }


def _in_shanghai(one: StoredCondition) -> StoredCondition:
    instants = {name: _local(value) for name, value in asdict(one).items() if isinstance(value, dt.datetime)}
    return StoredCondition(**asdict(one) | instants)


def _local(instant: dt.datetime) -> dt.datetime:
    return instant.astimezone(days.SHANGHAI)
