"""`calling-pipeline reports`: who gets reports by mail, what became of each, and what people decide about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

import click

from calling_pipeline import days
from calling_pipeline.access.people.records import Language
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import periods
from calling_pipeline.reports.mail import decisions, rounds, store, views
from calling_pipeline.reports.mail import store_subscriptions as subscriptions
from calling_pipeline.reports.mail.dependencies import MailDependencies
from calling_pipeline.reports.mail.records import (
    DELIVERY_STATES,
    FORMATS,
    HELD,
    Decision,
    Delivery,
    DeliveryState,
    Format,
    Selection,
    WeekDays,
)
from calling_pipeline.reports.records import KINDS
from calling_pipeline.texts.catalogue import LANGUAGES

_COLUMNS = ("id", "report", "period", "revision", "to", "state", "tries", "answer")
_SUBSCRIBED = ("id", "report", "to", "language", "files", "corrections", "days", "from hour", "until", "by")
_KIND = click.Choice(KINDS)


@click.command(cls=PipelineCommand)
@click.argument("kind", metavar="NAME", type=_KIND)
@click.option("--receiver", required=True, help="A mail address, or channel:ID of CALLING_ALERT_URLS.")
@click.option("--language", default=None, type=click.Choice(LANGUAGES), help="Of the mail; else that of the settings.")
@click.option(
    "--format", "formats", multiple=True, type=click.Choice(FORMATS), help="Files attached; several times for more."
)
@click.option("--no-corrections", is_flag=True, help="A later revision with other numbers is not mailed.")
@click.option("--working-days", is_flag=True, help="Only on working days; what is made on others comes on the next one.")
@click.option("--not-before", default=0, show_default=True, type=click.IntRange(0, 23), help="Hour of the day.")
@click.option("--until", default=None, help="Last day, YYYY-MM-DD; without end else.")
@click.pass_obj
def subscribe(
    door: Door,
    kind: str,
    receiver: str,
    language: str | None,
    formats: tuple[str, ...],
    no_corrections: bool,
    working_days: bool,
    not_before: int,
    until: str | None,
) -> Answer:
    """Let a receiver have every report of that kind that is made from now on, none of older periods than the last.

    \b
    Example: calling-pipeline reports subscribe daily --receiver lin@example.com --format pdf --working-days
    """
    runtime = door.ready_runtime
    deps = MailDependencies.from_runtime(runtime)
    week_days: WeekDays = "working" if working_days else "every"
    with runtime.transaction() as connection:
        made = subscriptions.subscribe(
            connection,
            periods.kind_of(kind),
            receiver,
            language=cast(Language, language or runtime.settings.language),
            by=acting_user(),
            formats=cast("tuple[Format, ...]", formats),
            corrections=not no_corrections,
            week_days=week_days,
            not_before=not_before,
            until=days.day_asked(until, field="--until") if until else None,
            channels=deps.channels,
        )
    lines = [f"subscription {made.id}: {made.receiver} gets the {made.kind} report"]
    if deps.server is None and not made.receiver.startswith("channel:"):
        lines.append("no mail server is set: nothing is sent until CALLING_SMTP_URL and CALLING_MAIL_FROM are")
    return Answer(views.subscription_document(made), lines)


@click.command(cls=PipelineCommand)
@click.argument("subscription", type=int)
@click.option("--why", default="", help="Kept in the audit log.")
@click.pass_obj
def unsubscribe(door: Door, subscription: int, why: str) -> Answer:
    """End a subscription; what waits to be sent by it is not sent."""
    with door.ready_runtime.transaction() as connection:
        ended = subscriptions.unsubscribe(connection, subscription, by=acting_user(), reason=why)
    said = f"{ended.receiver} gets no {ended.kind} report any more"
    return Answer(views.subscription_document(ended), [said])


@click.command("subscriptions", cls=PipelineCommand)
@click.option("--kind", type=_KIND, default=None, help="Only these.")
@click.pass_obj
def list_subscriptions(door: Door, kind: str | None) -> Answer:
    """Who gets which reports."""
    with door.ready_runtime.transaction() as connection:
        found = subscriptions.active(connection, periods.kind_of(kind) if kind else None)
    rows = [
        (
            one.id, one.kind, one.receiver, one.language, " ".join(one.formats), "yes" if one.corrections else "no",
            one.week_days, one.not_before, one.until or "", one.created_by,
        )
        for one in found
    ]  # fmt: skip
    lines = [table(_SUBSCRIBED, rows)] if found else ["nobody is subscribed; `reports subscribe` adds somebody"]
    return Answer([views.subscription_document(one) for one in found], lines)


@click.command("deliveries", cls=PipelineCommand)
@click.option("--state", "states", multiple=True, type=click.Choice(DELIVERY_STATES), help="Only those; several for more.")
@click.option("--kind", type=_KIND, default=None, help="Only these reports.")
@click.option("--receiver", default="", help="Only receivers whose address has this in it.")
@click.option("--period", default="", help="Only this period (with --kind).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.pass_obj
def list_deliveries(
    door: Door, states: tuple[DeliveryState, ...], kind: str | None, receiver: str, period: str, limit: int
) -> Answer:
    """What was mailed to whom, and what became of it; the newest first."""
    selection = _selection((), states, kind, receiver, period)
    with door.ready_runtime.transaction() as connection:
        total = store.count(connection, selection)
        found = store.listed(connection, selection, limit=limit)
    shown = [f"{len(found)} of {total} deliveries", table(_COLUMNS, map(_row, found))]
    return Answer({"total": total, "deliveries": [views.delivery_document(one) for one in found]}, shown)


@click.command(cls=PipelineCommand)
@click.argument("ids", nargs=-1, type=int)
@click.option("--state", "states", multiple=True, type=click.Choice(HELD), help="Only those; several for more.")
@click.option("--kind", type=_KIND, default=None, help="Only these reports.")
@click.option("--receiver", default="", help="Only receivers whose address has this in it.")
@click.option(
    "--as", "as_", required=True, type=click.Choice(["sent", "retry", "abandoned"]),
    help="sent: it arrived; retry: it did not, send it; abandoned: it is not to be sent.",
)  # fmt: skip
@click.option("--why", default="", help="How you know, or why it is left; kept with the delivery and in the audit log.")
@click.option("--dry-run", is_flag=True, help="Only show how many there are, and the first of them.")
@click.option("--expect", metavar="N", type=click.IntRange(1), help="Do it if exactly N deliveries fit.")
@click.pass_obj
def settle(
    door: Door,
    ids: tuple[int, ...],
    states: tuple[DeliveryState, ...],
    kind: str | None,
    receiver: str,
    as_: str,
    why: str,
    dry_run: bool,
    expect: int | None,
) -> Answer:
    """Decide what became of deliveries that are held: unknown, refused or given up.

    Many at once are looked at first: with --dry-run, then with --expect and the number that it showed.

    \b
    Example: calling-pipeline reports settle 17 --as sent --why "she has it"
    """
    with door.ready_runtime.transaction() as connection:
        done = decisions.settle(
            connection,
            _selection(ids, states, kind, receiver, ""),
            as_=settlement_of(as_),
            by=acting_user(),
            why=why,
            dry_run=dry_run,
            expect=expect,
        )
    return _decided(done, as_)


@click.command(cls=PipelineCommand)
@click.argument("kind", metavar="NAME", type=_KIND)
@click.option("--period", default="last", show_default=True, help="2026-11-29, 2026-W48, 2026-11, or a day in it.")
@click.option("--receiver", required=True, help="The mail address or channel that had it.")
@click.option("--why", required=True, help="The reason; the same reason given again sends nothing again.")
@click.pass_obj
def resend(door: Door, kind: str, period: str, receiver: str, why: str) -> Answer:
    """Send a report that was sent, refused or given up to one receiver again, by the next delivery."""
    wanted = periods.named(periods.kind_of(kind), period, days.today())
    with door.ready_runtime.transaction() as connection:
        done, already = decisions.resend(connection, wanted, receiver, by=acting_user(), why=why)
    said = "was ordered before; nothing is sent again" if already else "is sent again by the next delivery"
    document = {"already": already, "delivery": views.delivery_document(done)}
    return Answer(document, [f"delivery {done.id} {said}"])


@click.command(cls=PipelineCommand)
@click.pass_obj
def deliver(door: Door) -> Answer:
    """Mail what is due now. Exit status 1 when something was refused, given up or is unknown, or the server is away."""
    done = rounds.deliver_round(MailDependencies.from_runtime(door.ready_runtime))
    counts = ("planned", "attempted", "sent", "retried", "refused", "unknown", "dead", "orphaned")
    lines = [", ".join(f"{getattr(done, name)} {name}" for name in counts)]
    lines += [done.server] if done.server else []
    return Answer({**asdict(done), "failed": done.failed}, lines, failed=done.failed)


COMMANDS = (subscribe, unsubscribe, list_subscriptions, list_deliveries, settle, resend, deliver)


def _selection(
    ids: tuple[int, ...], states: tuple[DeliveryState, ...], kind: str | None, receiver: str, period: str
) -> Selection:
    wanted = periods.kind_of(kind) if kind else None
    if period and wanted is None:
        raise InvalidInput("--period needs --kind", field="--kind")
    first = periods.named(wanted, period, days.today()).first if period and wanted else None
    return Selection(ids or None, states, wanted, receiver, first)


def _decided(done: Decision, as_: str) -> Answer:
    said = f"{done.deliveries} deliveries {'would be ' if done.dry_run else ''}settled as {as_}"
    lines: list[Any] = [said, *(f"delivery {number} is not held" for number in done.not_done)]
    if done.dry_run and done.ids:
        lines += [
            table(_COLUMNS, map(_row, done.sample)),
            f"nothing was changed; do it with --expect {done.deliveries} and --why",
        ]
    return Answer(views.decision_document(done), lines, failed=bool(done.not_done))


def _row(one: Delivery) -> tuple[object, ...]:
    period, revision = one.period, f"{one.revision}{' (correction)' if one.correction else ''}"
    return one.id, period.kind, period.label, revision, one.receiver, one.state, one.attempts, one.answer
