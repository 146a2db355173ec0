"""`calling-pipeline alerts`: what is wrong, since when, and how often that was said; the channels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.alerts import store, views
from calling_pipeline.alerts.channels import parse_channels
from calling_pipeline.alerts.deliver import try_channels
from calling_pipeline.alerts.records import StoredAlert, StoredCondition
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.texts.catalogue import catalogue

_LISTED = ("id", "state", "day", "what", "since", "until", "alerts", "severity")


@click.group()
def alerts() -> None:
    """What is wrong now or was lately, and the channels that say so."""


@alerts.command("list", cls=PipelineCommand)
@click.option(
    "--days", "days_back", default=2, show_default=True, type=click.IntRange(1, 3650), help="Closed ones: how far back."
)
@click.option("--open", "only_open", is_flag=True, help="Only what is open.")
@click.option("--kind", default="", help="Only this kind: check, run, held, batch_unknown, …")
@click.option("--severity", default="", type=click.Choice(["", "warning", "error"]), help="Only of this severity.")
@click.option("--day", default="", help="Only what is about this day.")
@click.option("--text", default="", help="Only with these words in title, subject or text.")
@click.option("--sent", is_flag=True, help="The messages instead, and how many channels got each.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10000))
@click.pass_obj
def list_alerts(door: Door, /, days_back: int, day: str, sent: bool, limit: int, **wanted: Any) -> Answer:
    """What is wrong (open) and what recovered lately (closed): its day, since when, how often it was announced."""
    since = days.now() - dt.timedelta(days=days_back)
    with door.ready_runtime.transaction() as connection:
        if sent:
            return _messages(store.stored_alerts(connection, since=since, limit=limit))
        wanted["day"] = days.parse_day(day, field="--day") if day else None
        found = views.listed(connection, since=since, limit=limit, **wanted)
    shown = table(_LISTED, [_row(one) for one in found])
    return Answer(
        [views.line(one) for one in found],
        [shown if found else _nothing(days_back, **wanted)],
    )


@alerts.command(cls=PipelineCommand)
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.pass_obj
def show(door: Door, number: int) -> Answer:
    """One of them in full: the numbers, what to do, where to look, and every alert that was sent about it.

    \b
    Example: calling-pipeline alerts show 17
    """
    runtime = door.ready_runtime
    with runtime.transaction() as connection:
        settings = runtime.settings
        places = {"ui_url": settings.ui_address, "console_url": settings.address, "centre": settings.centre}
        found = views.document(connection, number, **places)
    sent = [
        (f"{one.created_at:%m-%d %H:%M:%S}", one.title, one.delivered, one.waiting, one.failed) for one in found["alerts"]
    ]
    lines: list[Any] = [
        found["title"],
        *(f"{name}: {value}" for name, value in _head(found).items() if value is not None),
        f"since {days.wall_clock(found['opened_at'])}" + _until(found["closed_at"]),
        f"last judged {days.wall_clock(found['judged_at'])}",
        found["text"],
        f"What to do: {found['what_to_do']}",
        f"Where: {found['mended_at'] or found['page']}",
        f"In Dagster: {found['link']}",
        f"Runbook: {found['runbook']}",
        table(("when", "alert", "delivered", "waiting", "failed"), sent),
    ]
    return Answer(found, lines)


@alerts.command(cls=PipelineCommand)
@click.pass_obj
def test(door: Door) -> Answer:
    """Send a test message to every channel of CALLING_ALERT_URLS and say which accepted it."""
    channels = parse_channels(door.runtime.settings.alert_urls, centre=door.runtime.settings.centre)
    took = try_channels(channels, say=lambda sentence: catalogue().say(sentence, door.runtime.settings.language))
    with suppress(DatabaseUnavailable), reachable(door.runtime.engine) as connection, connection.begin():
        note_act(connection, "alerts.test", "alerts:channels", by=acting_user(), after=took)
    lines = [f"{name}: {'accepted it' if ok else 'did not accept it'}" for name, ok in took.items()]
    return Answer(took, lines or ["CALLING_ALERT_URLS names no channel"], failed=not all(took.values()))


def _nothing(days_back: int, *, only_open: bool, **narrowed: object) -> str:
    if any(narrowed.values()):
        return "nothing matches"
    return "nothing is wrong" if only_open else f"nothing is wrong, or was in the last {days_back} days"


def _messages(kept: Sequence[StoredAlert]) -> Answer:
    rows = [
        (f"{one.created_at:%m-%d %H:%M:%S}", one.severity, one.title, one.delivered, one.waiting, one.failed) for one in kept
    ]
    shown = table(("when", "severity", "what", "delivered", "waiting", "failed"), rows)
    return Answer(kept, [shown if rows else "no alert was sent"])


def _row(one: StoredCondition) -> tuple[Any, ...]:
    until = f"{one.closed_at:%m-%d %H:%M}" if one.closed_at else ""
    return (one.id, one.state, one.day, one.title, f"{one.opened_at:%m-%d %H:%M}", until, one.times_announced, one.severity)


def _head(found: views.ConditionDocument) -> dict[str, Any]:
    return {
        "state": found["state"],
        "severity": found["severity"],
        "day": found["day"],
        "subject": found["subject"],
        "times_announced": found["times_announced"],
    }


def _until(closed_at: dt.datetime | None) -> str:
    return f", closed {days.wall_clock(closed_at)}" if closed_at else ""
