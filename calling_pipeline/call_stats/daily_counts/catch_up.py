"""Counts days that are published and not counted: those that a version before the daily counts published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import sqlalchemy as sa

from calling_pipeline.call_stats.daily_counts import store
from calling_pipeline.call_stats.sync.publishing import proven
from calling_pipeline.errors import IncompleteFetch, NotFound

MOST_DAYS = 400


def catch_up(
    transaction: Callable[[], AbstractContextManager[sa.Connection]], *, most: int = MOST_DAYS
) -> Sequence[dt.date]:
    """Count the newest `most` of these days, each in a transaction of its own; returns those that were counted.

    A day whose records do not match their proof, or whose proof is gone, is left as it is.
    """
    with transaction() as connection:
        wanted = store.uncounted_days(connection, most=most)
    counted = []
    for day in wanted:
        with transaction() as connection:
            if count_stored_day(connection, day):
                counted.append(day)
    return counted


def count_stored_day(connection: sa.Connection, day: dt.date) -> bool:
    """Count one day from its stored records if they match their proof; returns whether it is counted of that read."""
    try:
        proof, _ = proven(connection, day)
    except (IncompleteFetch, NotFound):
        return False
    store.count_day(connection, day, fetch_number=proof.fetch_number)
    return True
