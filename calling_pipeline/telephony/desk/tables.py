"""Tables of the collectors' desks: one row per desk, one row per press of its call button."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class CollectorDesksColumns(Columns):
    """Columns of `collector_desks`."""

    tenant_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    collector_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    turn = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="grows with every act at the desk")
    run = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="numbers the rounds through the list")
    batch = sa.Column(sa.Text, nullable=False, server_default="off")
    pause_s = sa.Column(sa.Integer, nullable=False, server_default="5", comment="seconds between two calls of a round")
    resumed_at = sa.Column(Instant, comment="when the round was begun or resumed")
    case_id = sa.Column(sa.BigInteger, sa.ForeignKey("collector_cases.id"), comment="the case called last")
    call_id = sa.Column(sa.BigInteger, comment="the press of the button that was last")
    said = sa.Column(sa.Text, nullable=False, server_default="", comment="why the round paused by itself")


collector_desks = sa.Table(
    "collector_desks",
    metadata,
    CollectorDesksColumns,
    sa.CheckConstraint("batch IN ('off', 'running', 'paused')", name="batch"),
    sa.CheckConstraint("pause_s BETWEEN 0 AND 600", name="pause_s"),
    comment="What each collector's desk is doing; the list of a round advances by these rows alone",
)


class DeskCallsColumns(Columns):
    """Columns of `desk_calls`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    collector_id = sa.Column(sa.BigInteger, nullable=False)
    case_id = sa.Column(sa.BigInteger, sa.ForeignKey("collector_cases.id"), nullable=False)
    run = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="the round that it belongs to; 0: none")
    intended_at = sa.Column(Instant, nullable=False)
    outcome = sa.Column(sa.Text, comment="empty between the intent and the answer")
    record_id = sa.Column(sa.BigInteger, sa.ForeignKey("communication_records.id"))
    rule = sa.Column(sa.Text, nullable=False, server_default="", comment="who refused")
    sentence = sa.Column(sa.Text, nullable=False, server_default="")
    not_before = sa.Column(Instant, comment="when a refused call may be tried again")
    answered_at = sa.Column(Instant)
    result = sa.Column(sa.Text, comment="what the collector said came of it")
    remark = sa.Column(sa.Text, nullable=False, server_default="")
    noted_at = sa.Column(Instant)


desk_calls = sa.Table(
    "desk_calls",
    metadata,
    DeskCallsColumns,
    sa.CheckConstraint("outcome IN ('ringing', 'refused', 'failed', 'unknown')", name="outcome"),
    sa.CheckConstraint("(outcome IS NULL) = (answered_at IS NULL)", name="answered"),
    sa.Index(
        "uq_desk_calls_under_way", "tenant_id", "collector_id", unique=True, postgresql_where=sa.text("outcome IS NULL")
    ),
    sa.Index("ix_desk_calls_case", "case_id", "id"),
    sa.Index("ix_desk_calls_record", "record_id"),
    comment="Every press of a desk's call button: intent, answer, and what the collector noted",
)
