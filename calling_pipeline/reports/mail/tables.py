"""Who gets which report, and one row for each report to each receiver."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class _SubscriptionColumns(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    kind = sa.Column(sa.Text, nullable=False)
    receiver = sa.Column(sa.Text, nullable=False, comment="a mail address, or channel:ID")
    language = sa.Column(sa.Text, nullable=False)
    formats: sa.Column[Any] = sa.Column(ARRAY(sa.Text), nullable=False, comment="files attached to the mail")
    corrections = sa.Column(sa.Boolean, nullable=False, comment="a later revision with other numbers is mailed too")
    week_days = sa.Column(sa.Text, nullable=False, comment="every day, or working days only")
    not_before = sa.Column(sa.SmallInteger, nullable=False, comment="hour of the day before which nothing is sent")
    first = sa.Column(sa.Date, nullable=False, comment="reports made from this day on")
    until = sa.Column(sa.Date, comment="and until this one; empty: without end")
    created_at = sa.Column(Instant, nullable=False)
    created_by = sa.Column(sa.Text, nullable=False)
    ended_at = sa.Column(Instant, comment="when a person ended it")
    ended_by = sa.Column(sa.Text, nullable=False)


report_subscriptions = sa.Table(
    "report_subscriptions",
    metadata,
    _SubscriptionColumns,
    sa.CheckConstraint("kind IN ('daily', 'weekly', 'monthly')", name="kind_is_known"),
    sa.CheckConstraint("language IN ('zh', 'en')", name="language_is_known"),
    sa.CheckConstraint("formats <@ ARRAY['pdf', 'xlsx', 'csv']", name="formats_are_known"),
    sa.CheckConstraint("week_days IN ('every', 'working')", name="week_days_are_known"),
    sa.CheckConstraint("not_before BETWEEN 0 AND 23", name="not_before_is_an_hour"),
    sa.CheckConstraint("receiver ~ '^(channel:.+|[^@\\s]+@[^@\\s]+)$'", name="receiver_is_an_address"),
    sa.CheckConstraint("until IS NULL OR until >= first", name="ends_after_it_begins"),
    sa.Index(
        "uq_report_subscriptions_one_a_receiver",
        "kind",
        sa.text("lower(receiver)"),
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    comment="Who gets which reports by mail; ended ones are kept",
)


class _DeliveryColumns(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    report_id = sa.Column(sa.BigInteger, sa.ForeignKey("reports.id"), nullable=False)
    kind = sa.Column(sa.Text, nullable=False)
    first = sa.Column(sa.Date, nullable=False)
    last = sa.Column(sa.Date, nullable=False)
    revision = sa.Column(sa.Integer, nullable=False)
    receiver = sa.Column(sa.Text, nullable=False, comment="a mail address, or channel:ID")
    language = sa.Column(sa.Text, nullable=False)
    formats: sa.Column[Any] = sa.Column(ARRAY(sa.Text), nullable=False)
    correction = sa.Column(sa.Boolean, nullable=False, comment="an earlier revision went to this receiver")
    message_id = sa.Column(sa.Text, nullable=False, comment="the mail's Message-ID: the same at every attempt")
    state = sa.Column(sa.Text, nullable=False)
    attempts = sa.Column(sa.Integer, nullable=False, comment="times it was claimed; fences late outcomes")
    failures = sa.Column(sa.Integer, nullable=False, comment="attempts that count towards giving up")
    due_at = sa.Column(Instant, nullable=False)
    mailer = sa.Column(sa.BigInteger, comment="which process claimed it last")
    claimed_at = sa.Column(Instant)
    settled_at = sa.Column(Instant, comment="when it was sent, refused, given up or abandoned")
    answer = sa.Column(sa.Text, nullable=False, comment="the server's last answer, masked and cut")
    queue_id = sa.Column(sa.Text, nullable=False, comment="the server's number of the mail")
    history = sa.Column(JSONB, nullable=False, comment="every outcome and every decision by hand")
    created_at = sa.Column(Instant, nullable=False)


report_deliveries = sa.Table(
    "report_deliveries",
    metadata,
    _DeliveryColumns,
    sa.CheckConstraint(
        "state IN ('pending', 'sending', 'sent', 'refused', 'dead', 'unknown', 'abandoned')", name="state_is_known"
    ),
    sa.CheckConstraint("language IN ('zh', 'en')", name="language_is_known"),
    sa.CheckConstraint("(state = 'sending') <= (mailer IS NOT NULL)", name="sending_has_a_mailer"),
    sa.Index("uq_report_deliveries_one_a_receiver", "kind", "first", "revision", sa.text("lower(receiver)"), unique=True),
    sa.UniqueConstraint("message_id", name="uq_report_deliveries_message_id"),
    sa.Index("ix_report_deliveries_report_id", "report_id"),
    sa.Index("ix_report_deliveries_due", "due_at", "id", postgresql_where=sa.text("state = 'pending'")),
    sa.Index("ix_report_deliveries_sending", "mailer", postgresql_where=sa.text("state = 'sending'")),
    sa.Index("ix_report_deliveries_held", "id", postgresql_where=sa.text("state IN ('unknown', 'dead', 'refused')")),
    sa.Index("ix_report_deliveries_made", "created_at", "id"),
    comment="One row for each revision of a report and each receiver",
)
