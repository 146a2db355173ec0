"""`/alerts`: what is wrong now or was, what to do about it, and how often it was announced; a test of the channels."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline import addresses, days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.alerts import store
from calling_pipeline.alerts.channels import Channel, parse_channels
from calling_pipeline.alerts.deliver import try_channels
from calling_pipeline.alerts.records import StoredCondition
from calling_pipeline.alerts.texts import KINDS, page_in_dagster, place_of, what_to_do
from calling_pipeline.api.dependencies import PathId
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, Sentence, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import Conflict, InvalidInput

router = APIRouter(tags=["alerts"])
Viewer = Annotated[View, Depends(viewing("viewer", "alerts"))]
Operator = Annotated[View, Depends(viewing("operator", "alerts"))]
EVERYTHING = dt.datetime(2000, 1, 1, tzinfo=days.SHANGHAI)
"""Alerts are kept for a time of the settings; older ones are not there."""
SEVERITIES = ("error", "warning")
_TONES = {"error": "bad", "warning": "warn"}
_RUN = re.compile(r"\brun ([0-9a-f]{8}-[0-9a-f-]{27})\b")


@router.get("/alerts")
def alerts(view: Viewer) -> Response:
    """What is wrong, or with `show=all` what was too; open ones first, the newest change first."""
    wanted = asked(view.request, sorts=tuple(store.ORDERS))
    narrowed = _narrowed(wanted.filters)

    def read(limit: int, offset: int) -> tuple[Sequence[StoredCondition], int]:
        order: dict[str, Any] = {"order": wanted.sort, "descending": wanted.descending}
        with view.transaction() as connection:
            rows = store.conditions(connection, **narrowed, **order, limit=limit, offset=offset)
            return rows, store.count_conditions(connection, **narrowed)

    found = listing(view, "alerts", "alerts", wanted, _COLUMNS, read)
    if isinstance(found, Response):
        return found
    return view.page("alerts/alerts.html", alerts=found, kinds=sorted(KINDS), severities=SEVERITIES)


@router.get("/alerts/test")
def ask_to_test(view: Operator) -> Response:
    """What a test of the channels will send, and to which."""
    return view.page("alerts/test.html", channels=[channel.id for channel in _channels(view)])


@router.post("/alerts/test")
def test_channels(view: Operator) -> Response:
    """Send a test message to every channel. Those that did not accept it are named."""
    language = view.runtime.settings.language
    took = try_channels(_channels(view), say=lambda sentence: view.renderer.catalogue.say(sentence, language))
    with view.transaction() as connection:
        note_act(connection, "alerts.test", "alerts:channels", by=view.caller.name, after=took)
    refused = ", ".join(name for name, ok in took.items() if not ok)
    if refused:
        raise Conflict(f"{len(took)} channels were tried; these did not accept the message: {refused}")
    if not took:
        raise Conflict("CALLING_ALERT_URLS names no channel")
    return view.done("alerts.tested", back="/alerts", count=len(took))


@router.get("/alerts/{alert_id}")
def alert(view: Viewer, alert_id: PathId) -> Response:
    """One condition: what is wrong, since when, how often that was said, what to do and where."""
    with view.transaction() as connection:
        one = store.condition(connection, alert_id)
        sent = store.alerts_about(connection, alert_id)
    return view.page(
        "alerts/alert.html",
        one=one,
        sent=list(reversed(sent)),
        lines=_lines(one),
        runs=list(dict.fromkeys(_RUN.findall(one.text))),
        advice=what_to_do(one.kind),
        place=place_of(one.kind, one.subject, one.day),
        has_runbook=one.kind in KINDS,
        runbook=addresses.of_runbook(one.kind),
        in_dagster=page_in_dagster(one.kind, one.link, view.runtime.settings.centre),
        tone=_TONES.get(one.severity, "quiet") if one.failing else "good",
    )


def _narrowed(given: Any) -> dict[str, Any]:
    severity = given.get("severity", "")
    if severity and severity not in SEVERITIES:
        raise InvalidInput(f"severity is one of: {', '.join(SEVERITIES)}", field="severity")
    return {
        "since": EVERYTHING,
        "only_open": given.get("show") != "all",
        "kind": given.get("kind", ""),
        "severity": severity,
        "day": days.parse_day(given["day"], field="day") if "day" in given else None,
        "text": given.get("text", ""),
    }


def _lines(one: StoredCondition) -> list[str]:
    """What is wrong, line by line: the day and the run stand beside it, as facts and links."""
    lines = [line.strip().removeprefix(f"{one.day}: ") for line in one.text.splitlines()]
    return [line for line in lines if line and not _RUN.fullmatch(line)]


def _channels(view: View) -> list[Channel]:
    return parse_channels(view.runtime.settings.alert_urls, centre=view.runtime.settings.centre)


_COLUMNS: Sequence[Column[StoredCondition]] = (
    Column("state", lambda one: State(f"alerts.state_{one.state}", "bad" if one.failing else "good")),
    Column("severity", lambda one: State(f"common.severity_{one.severity}", _TONES.get(one.severity, "quiet")), sorts=True),
    Column("what", lambda one: Link(Sentence(one.headline), addresses.of_alert(one.id))),
    Column("day", lambda one: one.day, sorts=True, wide=True),
    Column("since", lambda one: one.opened_at, sorts=True),
    Column("until", lambda one: one.closed_at, sorts=True, wide=True),
    Column("times", lambda one: one.times_announced, sorts=True, number=True, wide=True),
)
