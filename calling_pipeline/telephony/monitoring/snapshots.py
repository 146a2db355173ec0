"""Keeps the history of the pool's utilisation, and deletes what is older than anybody asks for."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.pool.line_counts import store as line_store
from calling_pipeline.telephony.records import PoolStatistics
from calling_pipeline.telephony.refusals import store as refusal_store

HISTORY = dt.timedelta(days=90)


def take_snapshot(connection: sa.Connection) -> list[PoolStatistics]:
    """Every pool as it stands, added to the history; history older than 90 days is dropped. Counts days that are over."""
    now = days.now()
    rows = pool_store.statistics(connection, now)
    pool_store.add_utilisation(connection, rows, now)
    pool_store.delete_utilisation(connection, now - HISTORY)
    refusal_store.delete(connection, now - HISTORY)
    line_store.catch_up(connection)
    return rows
