"""The table of recordings: one row per call of which Infinity named a recording, also when its file is gone."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class CallRecordingsColumns(Columns):
    """Columns of `call_recordings`."""

    record_id = sa.Column(sa.BigInteger, sa.ForeignKey("communication_records.id"), primary_key=True, autoincrement=False)
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    config_id = sa.Column(sa.BigInteger, nullable=False)
    state = sa.Column(sa.Text, nullable=False, server_default="wanted")
    known_at = sa.Column(Instant, nullable=False, comment="when its link became known")
    expires_at = sa.Column(Instant, nullable=False, comment="when the link stops working: as it says itself, else as set")
    attempts = sa.Column(sa.Integer, nullable=False, server_default="0")
    next_try_at = sa.Column(Instant, nullable=False)
    claim = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="grows with every claim of a fetch")
    claimed_until = sa.Column(Instant, comment="until then one process alone fetches it")
    failure = sa.Column(sa.Text, nullable=False, server_default="", comment="why the last fetch did not succeed")
    file = sa.Column(sa.Text, comment="name in the store of recordings")
    bytes = sa.Column(sa.BigInteger, comment="size of the recording itself")
    media_type = sa.Column(sa.Text)
    kept_at = sa.Column(Instant)
    lost_at = sa.Column(Instant, comment="when it was given up")
    deleted_at = sa.Column(Instant, comment="when retention deleted it")


call_recordings = sa.Table(
    "call_recordings",
    metadata,
    CallRecordingsColumns,
    sa.CheckConstraint("state IN ('wanted', 'kept', 'expired', 'refused', 'deleted')", name="state"),
    sa.CheckConstraint("(state = 'kept') = (file IS NOT NULL) AND (state <> 'kept' OR bytes IS NOT NULL)", name="kept"),
    sa.Index("ix_call_recordings_wanted", "next_try_at", postgresql_where=sa.text("state = 'wanted'")),
    sa.Index("ix_call_recordings_kept", "kept_at", postgresql_where=sa.text("state = 'kept'")),
    sa.Index("ix_call_recordings_lost", "lost_at", postgresql_where=sa.text("state IN ('expired', 'refused')")),
    comment="Recordings of calls: fetched before the vendor's link expires, kept encrypted, deleted by retention",
)
