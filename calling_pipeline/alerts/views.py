"""Conditions as people and programs see them: lines of a list, and one in full with what to do."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from calling_pipeline import addresses, days
from calling_pipeline.alerts import store
from calling_pipeline.alerts.records import StoredCondition
from calling_pipeline.alerts.texts import address, place_of, what_to_do


def listed(
    connection: sa.Connection,
    *,
    since: dt.datetime,
    only_open: bool = False,
    kind: str = "",
    severity: str = "",
    day: dt.date | None = None,
    text: str = "",
    limit: int = 100,
    offset: int = 0,
) -> list[StoredCondition]:
    """What is failing, and what recovered since an instant; instants in Asia/Shanghai."""
    wanted: dict[str, Any] = {
        "since": since,
        "only_open": only_open,
        "kind": kind,
        "severity": severity,
        "day": day,
        "text": text,
    }
    return [_in_shanghai(one) for one in store.conditions(connection, **wanted, limit=limit, offset=offset)]


def line(one: StoredCondition) -> dict[str, Any]:
    """One condition in a list; instants as `YYYY-MM-DDTHH:MM:SS+08:00`."""
    shown = asdict(one)
    del shown["event"], shown["failing"], shown["link"]
    return {"id": one.id, "state": one.state, "open": one.failing, **shown}


def document(connection: sa.Connection, number: int, *, ui_url: str, console_url: str, centre: str = "") -> dict[str, Any]:
    """One condition in full: its line, what to do, where to look, and the alerts about it with their deliveries.

    `link` is its page in the Dagster UI, `page` the one of the console; `mended_at` is where in the console it is mended,
    empty where there is no such page; `runbook` says at length what to do. Raises `NotFound`.
    """
    one = _in_shanghai(store.condition(connection, number))
    place = place_of(one.kind, one.subject, one.day)
    alerts = [asdict(alert) | {"created_at": _local(alert.created_at)} for alert in store.alerts_about(connection, number)]
    return {
        **line(one),
        "what_to_do": what_to_do(one.kind),
        "link": address(ui_url, one.kind, one.link, centre),
        "page": console_url + addresses.of_alert(one.id),
        "mended_at": console_url + place if place else "",
        "runbook": console_url + addresses.of_runbook(one.kind),
        "alerts": alerts,
    }


def _in_shanghai(one: StoredCondition) -> StoredCondition:
    instants = {name: _local(value) for name, value in asdict(one).items() if isinstance(value, dt.datetime)}
    return StoredCondition(**asdict(one) | instants)


def _local(instant: dt.datetime) -> dt.datetime:
    return instant.astimezone(days.SHANGHAI)
