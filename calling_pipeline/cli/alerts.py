"""`calling-pipeline alerts`: the alerts that were, or should have been, sent."""

from __future__ import annotations

import datetime as dt

import click

from calling_pipeline import days
from calling_pipeline.alerts import store
from calling_pipeline.alerts.channels import parse_channels
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, table


@click.group()
def alerts() -> None:
    """The alert table and the channels."""


@alerts.command("list", cls=PipelineCommand)
@click.option("--days", "days_back", default=2, show_default=True, type=click.IntRange(1, 3650), help="How far back.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10000))
@click.pass_obj
def list_alerts(door: Door, days_back: int, limit: int) -> Answer:
    """The newest alerts, and how many channels got each."""
    with door.ready_runtime.transaction() as connection:
        kept = store.stored_alerts(connection, since=days.now() - dt.timedelta(days=days_back), limit=limit)
    rows = [
        (f"{one.created_at:%m-%d %H:%M:%S}", one.severity, one.title, one.delivered, one.waiting, one.failed) for one in kept
    ]
    shown = table(["when", "severity", "what", "delivered", "waiting", "failed"], rows)
    return Answer(kept, [shown if rows else f"no alert in the last {days_back} days"])


@alerts.command(cls=PipelineCommand)
@click.pass_obj
def test(door: Door) -> Answer:
    """Send a test message to every channel of CALLING_ALERT_URLS and say which accepted it."""
    channels = parse_channels(door.runtime.settings.alert_urls)
    took = {
        channel.id: channel.send("Test of calling_pipeline", "This channel gets its alerts.", "info") for channel in channels
    }
    lines = [f"{name}: {'accepted it' if ok else 'did not accept it'}" for name, ok in took.items()]
    return Answer(took, lines or ["CALLING_ALERT_URLS names no channel"], failed=not all(took.values()))
