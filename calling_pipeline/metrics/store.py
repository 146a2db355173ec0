"""The reads of a scrape, each by an index or over what is open. They change only how far the call log is counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import centres
from calling_pipeline.database.sql import load

MOST_COUNTED = 100_000
"""Rows of the call log counted at a time; after a pause of days the counter catches up over some scrapes."""
MOST_OPEN = 20_000
"""Open messages, and calls in doubt, of a state are counted up to so many: a scrape costs no more on the worst day."""
_SYNCS = load("metrics/syncs")
_BATCHES = load("metrics/batches")
_LINES = load("metrics/lines")
_ALERTS = load("metrics/alerts")
_ALERT_DELIVERIES = load("metrics/alert_deliveries")
_MAILS = load("metrics/mails")
_RUNS = load("metrics/dagster_runs")
_HEARTBEATS = load("analysis/dagster_storage/heartbeats")
_CONNECTIONS = load("metrics/connections")
_SIZES = load("metrics/sizes")
_COUNT_CALL_LOG = load("metrics/count_call_log")
_COUNTERS = load("metrics/counters")

Row = Any


def syncs(connection: sa.Connection, now: dt.datetime) -> Sequence[Row]:
    """One row a track."""
    return connection.execute(_SYNCS, {"now": now}).all()


def batches(connection: sa.Connection, now: dt.datetime) -> Row:
    """Open batches and calls in doubt by state, and the age of the oldest open batch."""
    return connection.execute(_BATCHES, {"now": now, "most": MOST_OPEN}).one()


def lines(connection: sa.Connection, now: dt.datetime) -> Row:
    """Calls under way and callbacks that wait."""
    return connection.execute(_LINES, {"now": now}).one()


def alerts(connection: sa.Connection) -> Sequence[Row]:
    """What is wrong by kind and severity."""
    return connection.execute(_ALERTS).all()


def alert_deliveries(connection: sa.Connection) -> int:
    """Alerts that wait to be sent."""
    return int(connection.execute(_ALERT_DELIVERIES).scalar_one())


def mails(connection: sa.Connection) -> Sequence[Row]:
    """Open report deliveries by state."""
    return connection.execute(_MAILS).all()


def dagster_runs(connection: sa.Connection, centre: str) -> Sequence[Row]:
    """Runs that are not over by status, in Dagster's own database: those of one centre, all of them without one."""
    return connection.execute(_RUNS, {"centre": centre, "tag": centres.TAG}).all()


def heartbeats(connection: sa.Connection, daemons: Sequence[str]) -> Sequence[Row]:
    """Ages of the daemons' heartbeats, in Dagster's own database."""
    return connection.execute(_HEARTBEATS, {"daemons": list(daemons)}).all()


def connections(connection: sa.Connection) -> Row:
    """Connections to the database and its oldest transaction."""
    return connection.execute(_CONNECTIONS).one()


def sizes(connection: sa.Connection) -> Sequence[Row]:
    """The biggest tables."""
    return connection.execute(_SIZES).all()


def count_call_log(connection: sa.Connection, now: dt.datetime) -> None:
    """Count what is new in the call log into `measures`; another process that is at it is not waited for."""
    connection.execute(_COUNT_CALL_LOG, {"most": MOST_COUNTED, "now": now})


def counters(connection: sa.Connection) -> Sequence[Row]:
    """What is kept of every measure, and with it the rows of the call log that are not counted into it yet."""
    return connection.execute(_COUNTERS, {"most": MOST_COUNTED}).all()
