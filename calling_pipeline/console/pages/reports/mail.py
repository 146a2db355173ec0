"""`/reports/subscriptions` and `/reports/deliveries`: who gets reports by mail, what became of each, and settling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from calling_pipeline import addresses, days
from calling_pipeline.access.people.records import Language
from calling_pipeline.api.dependencies import Id, PathId, Short, Text
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import documents, periods
from calling_pipeline.reports.mail import decisions, store
from calling_pipeline.reports.mail import store_subscriptions as subscriptions
from calling_pipeline.reports.mail.dependencies import MailDependencies
from calling_pipeline.reports.mail.records import (
    DELIVERY_STATES,
    FORMATS,
    HELD,
    Delivery,
    DeliveryState,
    Format,
    Selection,
    Subscription,
    WeekDays,
)
from calling_pipeline.reports.records import KINDS

router = APIRouter(tags=["reports"])
Operator = Annotated[View, Depends(viewing("operator", "reports"))]
FILTERS = ("state", "kind", "receiver")
MOST_TICKED = 1000
_TONES: Mapping[DeliveryState, str] = {
    "sent": "good", "sending": "busy", "pending": "busy", "unknown": "bad", "dead": "bad", "refused": "bad",
}  # fmt: skip
_DELIVERIES = "/reports/deliveries"
_SUBSCRIPTIONS = "/reports/subscriptions"


class SubscribeForm(BaseModel):
    """Who gets which report, and how."""

    kind: Short
    receiver: Short = Field(min_length=1)
    language: Literal["zh", "en"]
    formats: list[Literal["pdf", "xlsx", "csv"]] = Field([], max_length=3)
    corrections: Literal["yes", "no"] = "yes"
    week_days: Literal["every", "working"] = "every"
    not_before: int = Field(0, ge=0, le=23)
    until: Short = ""


class SettleForm(BaseModel):
    """What became of held deliveries: ticked ones, or all that fit."""

    ids: list[Id] = Field([], max_length=MOST_TICKED)
    state: Short = ""
    kind: Short = ""
    receiver: Short = ""
    expect: int = Field(ge=1)
    settle_as: Literal["sent", "retry", "abandoned"]
    reason: Text = Field(min_length=1, max_length=500)


@router.get(_SUBSCRIPTIONS)
def list_subscriptions(view: Operator) -> Response:
    """Who gets which reports, by kind and receiver."""
    with view.transaction() as connection:
        found = subscriptions.active(connection)

    def read(limit: int, offset: int) -> tuple[Sequence[Subscription], int]:
        return found[offset : offset + limit], len(found)

    listed = listing(view, "report-subscriptions", "report_mail", asked(view.request), _subscribed(view), read)
    if isinstance(listed, Response):
        return listed
    ready = view.runtime.settings.smtp_url is not None
    return view.page("reports/subscriptions.html", subscriptions=listed, ready=ready)


@router.get("/reports/subscribe")
def ask_subscribe(view: Operator) -> Response:
    """The form of a subscription."""
    channels = MailDependencies.from_runtime(view.runtime).channels
    kinds = [(one, documents.kind_name(one, view.language)) for one in KINDS]
    return view.page("reports/subscribe.html", kinds=kinds, formats=FORMATS, channels=sorted(channels))


@router.post("/reports/subscribe")
def subscribe(view: Operator, wanted: Annotated[SubscribeForm, Form()]) -> Response:
    """Let a receiver have every report of that kind that is made from now on."""
    channels = MailDependencies.from_runtime(view.runtime).channels
    week_days: WeekDays = wanted.week_days
    language: Language = wanted.language
    formats: Sequence[Format] = wanted.formats
    with view.transaction() as connection:
        made = subscriptions.subscribe(
            connection,
            periods.kind_of(wanted.kind),
            wanted.receiver,
            language=language,
            by=view.caller.name,
            formats=formats,
            corrections=wanted.corrections == "yes",
            week_days=week_days,
            not_before=wanted.not_before,
            until=days.day_asked(wanted.until, field="until") if wanted.until else None,
            channels=channels,
        )
    return view.done("report_mail.subscribed", back=_SUBSCRIPTIONS, receiver=made.receiver)


@router.get("/reports/subscriptions/{subscription_id}/end")
def ask_unsubscribe(view: Operator, subscription_id: PathId) -> Response:
    """Which subscription would be ended."""
    with view.transaction() as connection:
        found = subscriptions.one(connection, subscription_id)
    return view.page("reports/unsubscribe.html", one=found, kind=documents.kind_name(found.kind, view.language))


@router.post("/reports/subscriptions/{subscription_id}/end")
def unsubscribe(view: Operator, subscription_id: PathId, reason: Annotated[str, Form(max_length=500)] = "") -> Response:
    """End it; what waits to be sent by it is not sent."""
    with view.transaction() as connection:
        ended = subscriptions.unsubscribe(connection, subscription_id, by=view.caller.name, reason=reason)
    return view.done("report_mail.unsubscribed", back=_SUBSCRIPTIONS, receiver=ended.receiver)


@router.get(_DELIVERIES)
def list_deliveries(view: Operator) -> Response:
    """What was mailed to whom, the newest first. Filters: `state`, `kind`, `receiver` (a part of the address)."""
    wanted = asked(view.request)
    selection = _selection(wanted.filters, None)

    def read(limit: int, offset: int) -> tuple[Sequence[Delivery], int]:
        with view.transaction() as connection:
            return store.listed(connection, selection, limit=limit, offset=offset), store.count(connection, selection)

    found = listing(view, "report-deliveries", "report_mail", wanted, _delivered(view), read)
    if isinstance(found, Response):
        return found
    kinds = [(one, documents.kind_name(one, view.language)) for one in KINDS]
    held = bool(selection.states) and set(selection.states) <= set(HELD)
    return view.page("reports/deliveries.html", deliveries=found, states=DELIVERY_STATES, kinds=kinds, held=held)


@router.get("/reports/deliveries/settle")
def ask_settle(view: Operator, ids: Annotated[list[Id] | None, Query(max_length=MOST_TICKED)] = None) -> Response:
    """How many held deliveries would be settled, and which."""
    given = {name: value for name in FILTERS if (value := view.request.query_params.get(name, ""))}
    with view.transaction() as connection:
        would = decisions.settle(connection, _selection(given, ids), as_="done", by=view.caller.name, why="", dry_run=True)
    return view.page("reports/settle.html", would=would, given=given, ids=ids or ())


@router.post("/reports/deliveries/settle")
def settle(view: Operator, wanted: Annotated[SettleForm, Form()]) -> Response:
    """Say what became of held deliveries: they arrived, they did not and are sent, or they are left."""
    given = {name: value for name in FILTERS if (value := getattr(wanted, name))}
    with view.transaction() as connection:
        done = decisions.settle(
            connection,
            _selection(given, wanted.ids),
            as_=settlement_of(wanted.settle_as),
            by=view.caller.name,
            why=wanted.reason,
            expect=wanted.expect,
        )
    return view.done("report_mail.settled", back=_DELIVERIES, n=done.deliveries)


def _selection(given: Mapping[str, str], ids: Sequence[int] | None) -> Selection:
    if ids:
        return Selection(tuple(ids))
    state = given.get("state", "")
    if state and state not in DELIVERY_STATES:
        raise InvalidInput(f"no delivery is {state[:20]}; states are {', '.join(DELIVERY_STATES)}", field="state")
    states: tuple[DeliveryState, ...] = (state,) if state else ()
    kind = given.get("kind", "")
    return Selection(None, states, periods.kind_of(kind) if kind else None, given.get("receiver", ""))


def _subscribed(view: View) -> Sequence[Column[Subscription]]:
    return (
        Column("receiver", lambda one: one.receiver),
        Column("kind", lambda one: documents.kind_name(one.kind, view.language)),
        Column("language", lambda one: State(f"report_mail.language_{one.language}"), wide=True),
        Column("formats", lambda one: ", ".join(one.formats), wide=True),
        Column("week_days", lambda one: State(f"report_mail.week_days_{one.week_days}"), wide=True),
        Column("not_before", lambda one: f"{one.not_before:02d}:00", wide=True),
        Column("corrections", lambda one: State(f"report_mail.corrections_{'yes' if one.corrections else 'no'}"), wide=True),
        Column("until", lambda one: one.until, wide=True),
        Column("created_by", lambda one: one.created_by, wide=True),
        Column("end", lambda one: Link(view.t("report_mail.unsubscribe"), f"{_SUBSCRIPTIONS}/{one.id}/end")),
    )


def _delivered(view: View) -> Sequence[Column[Delivery]]:
    def report(one: Delivery) -> Link:
        address = f"{addresses.of_report(one.period.kind, one.period.label)}?revision={one.revision}"
        return Link(f"{documents.kind_name(one.period.kind, view.language)} {one.period.label}", address)

    return (
        Column("id", lambda one: one.id, number=True),
        Column("report", report),
        Column("revision", lambda one: one.revision, number=True, wide=True),
        Column("receiver", lambda one: one.receiver),
        Column("state", lambda one: State(f"report_mail.state_{one.state}", _TONES.get(one.state, "quiet"))),
        Column("attempts", lambda one: one.attempts, number=True, wide=True),
        Column("answer", lambda one: one.answer, wide=True),
        Column("queue_id", lambda one: one.queue_id, wide=True),
        Column("settled_at", lambda one: one.settled_at, wide=True),
    )
