"""Reports by mail over HTTP: who gets which, what became of each delivery, and what people decide about held ones."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people.records import Language
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Id, Limit, Offset, PathId, RuntimeDep, Short, Text
from calling_pipeline.api.envelope import Described, Page, Success, ok, page
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.reports import periods
from calling_pipeline.reports.mail import decisions, store, views
from calling_pipeline.reports.mail import store_subscriptions as subscriptions
from calling_pipeline.reports.mail.dependencies import MailDependencies
from calling_pipeline.reports.mail.records import DeliveryState, Format, Selection, Subscription, WeekDays
from calling_pipeline.reports.records import ReportKind

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])
Operator = Annotated[Caller, Depends(requires("operator", "reports"))]
Held = Literal["unknown", "dead", "refused"]
Why = Annotated[Text, Field(min_length=1, max_length=500, description="kept with the delivery and in the audit log")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Subscribe(_Body):
    """Who gets which report, and how."""

    kind: ReportKind
    receiver: Short = Field(min_length=3, description="a mail address, or channel:ID of CALLING_ALERT_URLS")
    language: Language = "zh"
    formats: list[Format] = Field(["pdf"], max_length=3, description="files attached")
    corrections: bool = Field(True, description="a later revision with other numbers is mailed too")
    week_days: WeekDays = Field("every", description="working: what is made on other days comes on the next working day")
    not_before: int = Field(0, ge=0, le=23, description="hour of the day before which nothing is sent")
    until: dt.date | None = Field(None, description="last day; null: without end")


class Settle(_Body):
    """What became of held deliveries: these ids, or all that fit; of many with a dry run before, then `expect`."""

    settle_as: Literal["sent", "retry", "abandoned"]
    ids: list[Id] | None = Field(None, min_length=1, max_length=1000)
    state: Held | None = None
    kind: ReportKind | None = None
    receiver: Short = Field("", description="part of the address")
    dry_run: bool = Field(False, description="only count, and show the first of them")
    expect: int | None = Field(None, ge=1, description="do it if exactly so many fit")
    why: Why


class Resend(_Body):
    """A report to send to a receiver again."""

    kind: ReportKind
    period: Short = Field(min_length=1, description="2026-11-29, 2026-W48, 2026-11, or a day in it")
    receiver: Short = Field(min_length=3)
    why: Why


class ShownDelivery(TypedDict):
    """One report to one receiver, and all that happened to it."""

    id: int
    report_id: int
    kind: ReportKind
    period: str
    first: dt.date
    last: dt.date
    revision: int
    receiver: str
    language: Language
    formats: list[str]
    correction: bool
    state: DeliveryState
    attempts: int
    due_at: dt.datetime
    settled_at: dt.datetime | None
    message_id: str
    queue_id: str
    answer: str
    created_at: dt.datetime
    history: list[dict[str, Any]]


class Decided(TypedDict):
    """What was decided, or with `dry_run` would be; `not_done`: ids that are not in a state to decide about."""

    dry_run: bool
    deliveries: int
    ids: list[int]
    not_done: list[int]
    sample: list[ShownDelivery]


class Resent(TypedDict):
    """The delivery; `already`: the same reason had it sent before."""

    already: bool
    delivery: ShownDelivery


@router.get("/subscriptions", response_model=Success[list[Described[Subscription]]])
def list_subscriptions(runtime: RuntimeDep, caller: Operator, kind: ReportKind | None = None) -> object:
    """Who gets which reports, by kind and receiver."""
    with runtime.transaction() as connection:
        return ok([views.subscription_document(one) for one in subscriptions.active(connection, kind)])


@router.post("/subscriptions", response_model=Success[Described[Subscription]])
def subscribe(runtime: RuntimeDep, caller: Operator, wanted: Subscribe) -> object:
    """Let a receiver have every report of that kind that is made from now on."""
    channels = MailDependencies.from_runtime(runtime).channels
    with runtime.transaction() as connection:
        made = subscriptions.subscribe(
            connection,
            wanted.kind,
            wanted.receiver,
            language=wanted.language,
            by=caller.name,
            formats=wanted.formats,
            corrections=wanted.corrections,
            week_days=wanted.week_days,
            not_before=wanted.not_before,
            until=wanted.until,
            channels=channels,
        )
    return ok(views.subscription_document(made))


@router.delete("/subscriptions/{subscription_id}", response_model=Success[Described[Subscription]])
def unsubscribe(runtime: RuntimeDep, caller: Operator, subscription_id: PathId) -> object:
    """End a subscription; what waits to be sent by it is not sent."""
    with runtime.transaction() as connection:
        return ok(views.subscription_document(subscriptions.unsubscribe(connection, subscription_id, by=caller.name)))


@router.get("/deliveries", response_model=Success[Page[Described[ShownDelivery]]])
def list_deliveries(
    runtime: RuntimeDep,
    caller: Operator,
    state: DeliveryState | None = None,
    kind: ReportKind | None = None,
    receiver: Annotated[Short, Query(description="part of the address")] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> object:
    """What was mailed to whom and what became of it, the newest first."""
    chosen = Selection(states=(state,) if state else (), kind=kind, receiver=receiver)
    with runtime.transaction() as connection:
        found = store.listed(connection, chosen, limit=limit, offset=offset)
        total = store.count(connection, chosen)
    return page([views.delivery_document(one) for one in found], total, limit, offset)


@router.post("/deliveries/settle", response_model=Success[Described[Decided]])
def settle(runtime: RuntimeDep, caller: Operator, wanted: Settle) -> object:
    """Say what became of deliveries that are unknown, refused or given up."""
    states: tuple[DeliveryState, ...] = (wanted.state,) if wanted.state else ()
    chosen = Selection(tuple(wanted.ids) if wanted.ids else None, states, wanted.kind, wanted.receiver)
    with runtime.transaction() as connection:
        done = decisions.settle(
            connection,
            chosen,
            as_=settlement_of(wanted.settle_as),
            by=caller.name,
            why=wanted.why,
            dry_run=wanted.dry_run,
            expect=wanted.expect,
        )
    return ok(views.decision_document(done))


@router.post("/deliveries/resend", response_model=Success[Described[Resent]])
def resend(runtime: RuntimeDep, caller: Operator, wanted: Resend) -> object:
    """Send a report that was sent, refused or given up again, by the next delivery; the same reason sends nothing again."""
    period = periods.named(wanted.kind, wanted.period, days.today())
    with runtime.transaction() as connection:
        done, already = decisions.resend(connection, period, wanted.receiver, by=caller.name, why=wanted.why)
    return ok({"already": already, "delivery": views.delivery_document(done)})
