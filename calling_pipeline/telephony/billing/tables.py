"""Tables of Infinity's bill: its lines, and the days that were read."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class _Bills(Columns):
    config_id = sa.Column(sa.BigInteger, sa.ForeignKey("infinity_configs.id"), primary_key=True)
    call_uuid = sa.Column(sa.Text, primary_key=True)
    day = sa.Column(sa.Date, nullable=False)
    extension_number = sa.Column(sa.Text, nullable=False)
    destination_masked = sa.Column(sa.Text, nullable=False)
    destination_hash = sa.Column(sa.LargeBinary, nullable=False)
    started_at = sa.Column(Instant, nullable=False)
    duration_s = sa.Column(sa.Integer, nullable=False)
    hangup = sa.Column(sa.Text, nullable=False)
    state = sa.Column(sa.Text, nullable=False, comment="the state according to the bill")
    recording_file = sa.Column(sa.Text)
    fetched_at = sa.Column(Instant, nullable=False)
    record_id = sa.Column(sa.BigInteger, sa.ForeignKey("communication_records.id"), comment="null: a call we do not know")


infinity_bills = sa.Table(
    "infinity_bills",
    metadata,
    _Bills,
    sa.Index("ix_infinity_bills_day", "day", "config_id"),
)


class _BillDays(Columns):
    config_id = sa.Column(sa.BigInteger, sa.ForeignKey("infinity_configs.id"), primary_key=True)
    day = sa.Column(sa.Date, primary_key=True)
    reported = sa.Column(sa.Integer, nullable=False)
    fetched = sa.Column(sa.Integer, nullable=False)
    fetched_at = sa.Column(Instant, nullable=False)


infinity_bill_days = sa.Table(
    "infinity_bill_days",
    metadata,
    _BillDays,
)
