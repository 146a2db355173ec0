"""Conditions as people and programs see them: lines of a list, and one in full with what to do."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, replace
from typing import Any, Literal, cast

import sqlalchemy as sa
from typing_extensions import TypedDict

from calling_pipeline import addresses, days
from calling_pipeline.alerts import store
from calling_pipeline.alerts.records import Severity, StoredAlert, StoredCondition
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


class ConditionLine(TypedDict):
    """One condition in a list: what should be true (`title`), what is (`text`), since and until when it was not."""

    id: int
    state: Literal["open", "closed"]
    open: bool
    name: str
    kind: str
    subject: str
    day: dt.date | None
    severity: Severity
    room: str
    title: str
    text: str
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    judged_at: dt.datetime
    announced_at: dt.datetime
    times_announced: int


class ConditionDocument(ConditionLine):
    """One condition in full: what to do, and the alerts about it with their deliveries.

    `link` is its page in the Dagster UI, `page` the one of the console; `mended_at` is where in the console it is mended,
    empty where there is no such page; `runbook` says at length what to do.
    """

    what_to_do: str
    link: str
    page: str
    mended_at: str
    runbook: str
    alerts: list[StoredAlert]


def line(one: StoredCondition) -> ConditionLine:
    """One condition in a list; instants as `YYYY-MM-DDTHH:MM:SS+08:00`."""
    shown = asdict(one)
    del shown["event"], shown["failing"], shown["link"]
    return cast(ConditionLine, {"id": one.id, "state": one.state, "open": one.failing, **shown})


def document(
    connection: sa.Connection, number: int, *, ui_url: str, console_url: str, centre: str = ""
) -> ConditionDocument:
    """One condition in full; instants in Asia/Shanghai. Raises `NotFound`."""
    one = _in_shanghai(store.condition(connection, number))
    place = place_of(one.kind, one.subject, one.day)
    alerts = [replace(alert, created_at=_local(alert.created_at)) for alert in store.alerts_about(connection, number)]
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
