"""Tables of the contact policy."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class DoNotCallColumns(Columns):
    """One row per number and source."""

    phone = sa.Column(sa.Text(collation="C"), nullable=False)
    source = sa.Column(sa.Text, nullable=False)
    expires_at = sa.Column(Instant)
    note = sa.Column(sa.Text, nullable=False, server_default="")
    added_by = sa.Column(sa.Text, nullable=False, server_default="")
    added_at = sa.Column(Instant, nullable=False)
    ended_by = sa.Column(
        sa.Text, nullable=False, server_default="", comment="who took it off the list, at expires_at; empty: nobody"
    )
    ended_why = sa.Column(sa.Text, nullable=False, server_default="", comment="why, in that person's words")


do_not_call = sa.Table(
    "do_not_call",
    metadata,
    DoNotCallColumns,
    sa.PrimaryKeyConstraint("phone", "source", name="pk_do_not_call"),
    sa.Index("ix_do_not_call_added_at", sa.text("added_at DESC"), "phone"),
    comment="Numbers that nobody may contact, one row per source; permanent without expires_at",
)


class DoNotCallHistoryColumns(Columns):
    """One row per change of an entry: what it was before (trigger `do_not_call_kept`)."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    phone = sa.Column(sa.Text(collation="C"), nullable=False)
    source = sa.Column(sa.Text, nullable=False)
    expires_at = sa.Column(Instant)
    note = sa.Column(sa.Text, nullable=False)
    added_by = sa.Column(sa.Text, nullable=False)
    added_at = sa.Column(Instant, nullable=False)
    ended_by = sa.Column(sa.Text, nullable=False)
    ended_why = sa.Column(sa.Text, nullable=False)
    replaced_at = sa.Column(Instant, nullable=False)


do_not_call_history = sa.Table(
    "do_not_call_history",
    metadata,
    DoNotCallHistoryColumns,
    sa.Index("ix_do_not_call_history_phone", "phone", "id"),
    comment="What entries of the do-not-call list were before each change; append-only",
)


class ContactAttemptColumns(Columns):
    """One row per attempt, named by its room and reference."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    phone = sa.Column(sa.Text(collation="C"), nullable=False)
    room = sa.Column(sa.Text, nullable=False)
    reference = sa.Column(sa.Text(collation="C"), nullable=False)
    caller = sa.Column(sa.Text)
    tenant = sa.Column(sa.Integer, comment="written by the version before; since then tenant_id")
    at = sa.Column(Instant, nullable=False)
    tenant_id = sa.Column(sa.BigInteger, comment="tenant on whose behalf; empty for batches")


contact_attempts = sa.Table(
    "contact_attempts",
    metadata,
    ContactAttemptColumns,
    sa.UniqueConstraint("room", "reference", name="uq_contact_attempts_room_reference"),
    sa.Index("ix_contact_attempts_phone_at", "phone", "at"),
    sa.Index("ix_contact_attempts_at", "at", postgresql_using="brin"),
    comment="Every attempt that was allowed, answered or not; what the caps count",
)


class ContactHolidayColumns(Columns):
    """One row per holiday."""

    day = sa.Column(sa.Date, primary_key=True)
    name = sa.Column(sa.Text, nullable=False)


contact_holidays = sa.Table(
    "contact_holidays",
    metadata,
    ContactHolidayColumns,
    comment="Days on which policies that are closed on holidays allow nothing",
)


class ErasedPersonColumns(Columns):
    """One row per number."""

    token = sa.Column(sa.Text(collation="C"), primary_key=True, comment="keyed hash of the number, which is kept nowhere")
    erased_at = sa.Column(Instant, nullable=False, comment="when it was erased first")


erased_persons = sa.Table(
    "erased_persons",
    metadata,
    ErasedPersonColumns,
    comment="Numbers whose data were erased: recognised by their token and never contacted again",
)


class ErasureKeyColumns(Columns):
    """The one key."""

    id = sa.Column(sa.SmallInteger, primary_key=True, autoincrement=False)
    sealed = sa.Column(sa.LargeBinary, nullable=False, comment="key of the tokens, encrypted")


erasure_keys = sa.Table(
    "erasure_keys",
    metadata,
    ErasureKeyColumns,
    sa.CheckConstraint("id = 1", name="one"),
    comment="The key of the tokens of erased numbers; lost, no number may be contacted any more",
)
