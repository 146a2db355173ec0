"""The tables of counted days. A day that is over is counted once, and again after one of its records changed."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class _CountedLineDaysColumns(Columns):
    day = sa.Column(sa.Date, primary_key=True)
    counted_at = sa.Column(Instant, nullable=False)


counted_line_days = sa.Table(
    "counted_line_days",
    metadata,
    _CountedLineDaysColumns,
    comment="Days of communication records that are counted as they are; a record that changes takes its day out",
)


class _LineDaysColumns(Columns):
    day = sa.Column(sa.Date, primary_key=True)
    kind = sa.Column(sa.Text, primary_key=True, comment="extension or collector")
    tenant_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    line_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    number = sa.Column(sa.Text, nullable=False, comment="of an extension; empty for a collector")
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    failed = sa.Column(sa.BigInteger, nullable=False)
    unknown = sa.Column(sa.BigInteger, nullable=False)
    short_5 = sa.Column(sa.BigInteger, nullable=False, comment="connected, less than 5 seconds of talk")
    short_10 = sa.Column(sa.BigInteger, nullable=False)
    short_20 = sa.Column(sa.BigInteger, nullable=False)
    short_30 = sa.Column(sa.BigInteger, nullable=False)
    dropped = sa.Column(sa.BigInteger, nullable=False, comment="ended while it rang, before the time limit")
    busy_s = sa.Column(sa.BigInteger, nullable=False, comment="from the allocation to the release")
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    first_at = sa.Column(Instant, nullable=False)
    last_at = sa.Column(Instant, nullable=False)


line_days = sa.Table(
    "line_days",
    metadata,
    _LineDaysColumns,
    sa.CheckConstraint("kind IN ('extension', 'collector')", name="kind"),
    comment="What each extension and each collector did on a counted day",
)


class _LineHoursColumns(Columns):
    hour = sa.Column(Instant, primary_key=True)
    tenant_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    calls = sa.Column(sa.BigInteger, nullable=False)
    connected = sa.Column(sa.BigInteger, nullable=False)
    closed = sa.Column(sa.BigInteger, nullable=False, comment="calls whose line was released")
    busy_s = sa.Column(sa.BigInteger, nullable=False, comment="of those, from the allocation to the release")
    talk_s = sa.Column(sa.BigInteger, nullable=False)
    gaps = sa.Column(sa.BigInteger, nullable=False, comment="pauses of collectors between two calls, half an hour at most")
    idle_s = sa.Column(sa.BigInteger, nullable=False, comment="the length of those pauses")
    collectors = sa.Column(sa.BigInteger, nullable=False, comment="who began a call in the hour")
    extensions = sa.Column(sa.BigInteger, nullable=False)


line_hours = sa.Table(
    "line_hours",
    metadata,
    _LineHoursColumns,
    comment="What a tenant's lines and collectors did in each hour of a counted day",
)


class _LineDelaysColumns(Columns):
    day = sa.Column(sa.Date, primary_key=True)
    tenant_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    outcome = sa.Column(sa.Text, primary_key=True, comment="callback, lost, swept (released before its end was known)")
    tenths = sa.Column(
        sa.Integer, primary_key=True, autoincrement=False, comment="delay of the callback in tenths of a second"
    )
    calls = sa.Column(sa.BigInteger, nullable=False)


line_delays = sa.Table(
    "line_delays",
    metadata,
    _LineDelaysColumns,
    sa.CheckConstraint("outcome IN ('callback', 'lost', 'swept')", name="outcome"),
    comment="How late the callbacks of a counted day came, and how many never did",
)
