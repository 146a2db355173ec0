"""The table of what processes noted (`measures.py`), added up over all of them."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from calling_pipeline.database.sql import load
from calling_pipeline.database.tables import Columns, Instant, metadata
from calling_pipeline.measures import Key, Sum

_KEEP = load("database/keep_measures")
_NOTE_HEARTBEAT = load("database/note_heartbeat")
_log = logging.getLogger(__name__)


class _MeasureColumns(Columns):
    name = sa.Column(sa.Text, primary_key=True)
    labels: sa.Column[list[str]] = sa.Column(ARRAY(sa.Text), primary_key=True, comment="values in the measure's own order")
    number = sa.Column(sa.Double, nullable=False, comment="what was counted, or how many durations")
    total = sa.Column(sa.Double, nullable=False, comment="the sum of durations, in seconds")
    buckets: sa.Column[list[int]] = sa.Column(
        ARRAY(sa.BigInteger), nullable=False, comment="durations between two bounds; empty for a counter"
    )


measures = sa.Table(
    "measures",
    metadata,
    _MeasureColumns,
    comment="Counters and histograms of /metrics, added up over all processes; numbers only ever grow",
    postgresql_with={"fillfactor": 50},
)


class _MeasureMarkColumns(Columns):
    source = sa.Column(sa.Text, primary_key=True)
    counted_to = sa.Column(sa.BigInteger, nullable=False, comment="rows up to this id are added to `measures`")
    seen_to = sa.Column(sa.BigInteger, nullable=False, comment="the newest id when it was last looked")
    seen_by: sa.Column[Any] = sa.Column(
        sa.BigInteger, nullable=False, comment="transactions below this one must end before seen_to may be counted"
    )
    seen_at = sa.Column(Instant, nullable=False)


measure_marks = sa.Table(
    "measure_marks",
    metadata,
    _MeasureMarkColumns,
    comment="How far tables that only grow are counted into `measures`",
)


def keep(engine: sa.Engine, sums: Mapping[Key, Sum]) -> bool:
    """Add these sums to what is kept; whether they must not be written again. Never raises.

    What fails before its commit is certainly not written. A commit that fails is not repeated: it may have been done.
    """
    rows = [
        {"name": name, "labels": list(labels), "number": one.number, "total": one.total, "buckets": one.buckets}
        for (name, labels), one in sums.items()
    ]
    committing = False
    try:
        with engine.connect() as connection:
            connection.execute(_KEEP, {"rows": json.dumps(rows)})
            committing = True
            connection.commit()
    except (DBAPIError, OSError) as error:
        _log.debug("%d measures were not written: %s", len(rows), type(error).__name__)
        return committing
    return True


def note_heartbeat(connection: sa.Connection, now: dt.datetime, *, heard: bool) -> None:
    """Note that a heartbeat to the outside watcher is about to be sent, or that it was heard."""
    connection.execute(_NOTE_HEARTBEAT, {"now": now, "heard": heard})


def last_heartbeat(connection: sa.Connection) -> dt.datetime | None:
    """When the outside watcher last heard one; None when it never did."""
    mark = measure_marks.c
    query = sa.select(mark.seen_at).where(mark.source == "heartbeat", mark.seen_to > 0)
    return connection.execute(query).scalar_one_or_none()
