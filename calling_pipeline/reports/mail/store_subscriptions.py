"""Subscribing to reports and ending it. Both are in the audit log, with the receiver masked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.people.records import Language
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.reports.mail import store
from calling_pipeline.reports.mail.records import CHANNEL, FORMATS, Format, Subscription, WeekDays, shown
from calling_pipeline.reports.mail.tables import report_subscriptions
from calling_pipeline.reports.records import ReportKind
from calling_pipeline.vendors.smtp.addresses import address_of

_c = report_subscriptions.c
_ENDED = "the subscription was ended"
MOST = 2000
"""Active subscriptions at most; a list of that length is one of addresses, not of people."""


def subscribe(
    connection: sa.Connection,
    kind: ReportKind,
    receiver: str,
    *,
    language: Language,
    by: str,
    formats: Sequence[Format] = ("pdf",),
    corrections: bool = True,
    week_days: WeekDays = "every",
    not_before: int = 0,
    first: dt.date | None = None,
    until: dt.date | None = None,
    channels: Collection[str] = (),
) -> Subscription:
    """Let a receiver have each report of that kind that is made from now on, none of older periods than the last.

    `channels` are those that `channel:ID` may name. Raises `InvalidInput` for a wrong receiver, format, hour or range of
    days, `Conflict` when the receiver has the report already.
    """
    wanted = _receiver(receiver, channels)
    begins = first or days.today()
    if until is not None and until < max(begins, days.today()):
        raise InvalidInput("the last day of the subscription is before its first, or is over", field="until")
    if not 0 <= not_before <= 23:
        raise InvalidInput("the hour before which nothing is sent is a number from 0 to 23", field="not_before")
    unknown = [one for one in formats if one not in FORMATS]
    if unknown:
        raise InvalidInput(f"there is no format {unknown[0][:20]!r}; there are: {', '.join(FORMATS)}", field="formats")
    if len(active(connection)) >= MOST:
        raise InvalidInput(
            f"there are {MOST} subscriptions already; end some, or subscribe a mailing list", field="receiver"
        )
    values = {
        "kind": kind, "receiver": wanted, "language": language, "formats": list(dict.fromkeys(formats)),
        "corrections": corrections, "week_days": week_days, "not_before": not_before, "first": begins, "until": until,
        "created_at": days.now(), "created_by": by, "ended_by": "",
    }  # fmt: skip
    try:
        with connection.begin_nested():
            row = connection.execute(report_subscriptions.insert().values(values).returning(*_c)).mappings().one()
    except IntegrityError:
        raise Conflict(f"{shown(wanted)} has the {kind} report already; unsubscribe first to change it") from None
    made = _subscription(row)
    noted = {**asdict(made), "receiver": made.shown}
    kept = {name: noted[name] for name in ("kind", "receiver", "language", "formats", "week_days", "corrections")}
    note_act(connection, "report.subscribe", f"subscription:{made.id}", by=by, after=kept)
    return made


def unsubscribe(connection: sa.Connection, subscription_id: int, *, by: str, reason: str = "") -> Subscription:
    """End a subscription; what waits to be sent by it is abandoned. Raises `NotFound` when there is none that is active."""
    ending = report_subscriptions.update().where(_c.id == subscription_id, _c.ended_at.is_(None))
    row = connection.execute(ending.values(ended_at=days.now(), ended_by=by).returning(*_c)).mappings().first()
    if row is None:
        raise NotFound(f"there is no active subscription {subscription_id}")
    ended = _subscription(row)
    waiting = store.abandon_waiting(connection, ended.kind, ended.receiver, by=by, why=_ENDED)
    before = {"kind": ended.kind, "receiver": ended.shown}
    subject = f"subscription:{subscription_id}"
    note_act(connection, "report.unsubscribe", subject, by=by, reason=reason, before=before, after={"abandoned": waiting})
    return ended


def active(connection: sa.Connection, kind: ReportKind | None = None) -> list[Subscription]:
    """Subscriptions that nobody ended, by kind and receiver."""
    found = sa.select(*_c).where(_c.ended_at.is_(None)).order_by(_c.kind, sa.func.lower(_c.receiver))
    return [_subscription(row) for row in connection.execute(found.where(_c.kind == kind) if kind else found).mappings()]


def of_receiver(connection: sa.Connection, kind: ReportKind, receiver: str) -> Subscription:
    """The active subscription of a receiver to a kind of report. Raises `NotFound`."""
    for one in active(connection, kind):
        if one.receiver.lower() == receiver.strip().lower():
            return one
    raise NotFound(f"{shown(receiver.strip())} has no {kind} report")


def one(connection: sa.Connection, subscription_id: int) -> Subscription:
    """One subscription, ended ones too. Raises `NotFound`."""
    row = connection.execute(sa.select(*_c).where(_c.id == subscription_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no subscription {subscription_id}")
    return _subscription(row)


def any_by_mail(connection: sa.Connection) -> bool:
    """Whether some active subscription wants mail."""
    by_mail = sa.exists().where(_c.ended_at.is_(None), ~_c.receiver.startswith(CHANNEL, autoescape=True))
    return bool(connection.execute(sa.select(by_mail)).scalar_one())


def _receiver(text: str, channels: Collection[str]) -> str:
    wanted = text.strip()
    if not wanted.startswith(CHANNEL):
        return address_of(wanted)
    if wanted.removeprefix(CHANNEL) not in channels:
        named = ", ".join(f"{CHANNEL}{one}" for one in sorted(channels)) or "none; set CALLING_ALERT_URLS"
        raise InvalidInput(f"there is no such channel; there are: {named}", field="receiver")
    return wanted


def _subscription(row: sa.RowMapping) -> Subscription:
    values = dict(row)
    values["formats"] = tuple(values["formats"])
    for name in ("created_at", "ended_at"):
        if values[name] is not None:
            values[name] = values[name].astimezone(days.SHANGHAI)
    return Subscription(**values)
