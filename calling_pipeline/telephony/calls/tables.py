"""Tables of calls: our record of each, what Infinity reported of it, and who may ask Infinity about lines."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class _CommunicationRecords(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    reference = sa.Column(sa.Text, nullable=False, comment="our id of the call, sent as customuuid")
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    config_id = sa.Column(sa.BigInteger, sa.ForeignKey("infinity_configs.id"), nullable=False)
    collector_id = sa.Column(sa.BigInteger, nullable=False)
    extension_id = sa.Column(sa.BigInteger, nullable=False)
    extension_number = sa.Column(sa.Text, nullable=False)
    fence = sa.Column(sa.BigInteger, nullable=False)
    case_id = sa.Column(sa.Text, nullable=False, server_default="")
    customer_id = sa.Column(sa.Text, nullable=False, server_default="")
    destination_masked = sa.Column(sa.Text, nullable=False)
    destination_hash = sa.Column(sa.LargeBinary, nullable=False)
    caller_number = sa.Column(sa.Text)
    state = sa.Column(sa.Text, nullable=False)
    call_uuid = sa.Column(sa.Text)
    started_at = sa.Column(Instant, nullable=False)
    called_at = sa.Column(Instant, comment="MakeCall was answered")
    deadline = sa.Column(Instant, nullable=False, comment="from then on the sweep asks Infinity")
    closed_at = sa.Column(Instant, comment="the extension was released")
    settled_at = sa.Column(Instant, comment="the final state became known")
    settled_by = sa.Column(sa.Text)
    duration_s = sa.Column(sa.Integer)
    contact_result = sa.Column(sa.Text)
    remark = sa.Column(sa.Text)
    failure_code = sa.Column(sa.Text)
    failure = sa.Column(sa.Text)
    recording_file = sa.Column(sa.Text)
    recording_url = sa.Column(sa.Text)
    callback_delay_s = sa.Column(sa.Double)
    billed_at = sa.Column(Instant)
    asked_at = sa.Column(Instant, comment="Infinity was last asked what the extension is doing")
    recording_queued = sa.Column(
        sa.Boolean, nullable=False, server_default="false", comment="its recording is being fetched"
    )
    trace = sa.Column(sa.Text, comment="context of the trace that the call belongs to; empty: none")
    supplier = sa.Column(
        sa.Text, nullable=False, server_default="infinity", comment="whose lines the call used; there is one supplier"
    )


communication_records = sa.Table(
    "communication_records",
    metadata,
    _CommunicationRecords,
    sa.CheckConstraint(
        "state IN ('initiating', 'ringing', 'connected', 'not_connected', 'busy', 'cancelled', 'failed', 'unknown')",
        name="state",
    ),
    sa.CheckConstraint("state NOT IN ('initiating', 'ringing') OR closed_at IS NULL", name="under_way_is_open"),
    sa.CheckConstraint(
        "(state IN ('initiating', 'ringing', 'unknown')) = (settled_at IS NULL)", name="final_states_are_settled"
    ),
    sa.UniqueConstraint("reference", name="uq_communication_records_reference"),
    sa.UniqueConstraint("call_uuid", "config_id", name="uq_communication_records_call_uuid"),
    sa.Index(
        "uq_communication_records_open_extension", "extension_id", unique=True, postgresql_where=sa.text("closed_at IS NULL")
    ),
    sa.Index(
        "uq_communication_records_open_collector",
        "tenant_id",
        "collector_id",
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
    sa.Index("ix_communication_records_deadline", "deadline", postgresql_where=sa.text("closed_at IS NULL")),
    sa.Index("ix_communication_records_started_at", "started_at"),
    sa.Index("ix_communication_records_tenant", "tenant_id", "id"),
    sa.Index(
        "ix_communication_records_new_recording",
        "id",
        postgresql_where=sa.text("recording_url IS NOT NULL AND NOT recording_queued"),
    ),
    sa.Index(
        "ix_communication_records_destination_hash",
        "destination_hash",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
        postgresql_ops={"destination_hash": "bytea_bloom_ops(n_distinct_per_range=2000)"},
    ),
)


class _Callbacks(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    config_id = sa.Column(sa.BigInteger, sa.ForeignKey("infinity_configs.id"), nullable=False)
    body_digest = sa.Column(sa.LargeBinary, nullable=False, comment="SHA-256 of the raw body: a replay has the same")
    call_uuid = sa.Column(sa.Text, nullable=False)
    reference = sa.Column(sa.Text, nullable=False, comment="our customuuid, when custom_params carried it")
    state = sa.Column(sa.Text, nullable=False)
    duration_s = sa.Column(sa.Integer, nullable=False)
    contact_result = sa.Column(sa.Text, nullable=False)
    remark = sa.Column(sa.Text, nullable=False)
    recording_url = sa.Column(sa.Text)
    signed_at = sa.Column(Instant, nullable=False)
    received_at = sa.Column(Instant, nullable=False)
    repeats = sa.Column(sa.Integer, nullable=False, server_default="0")
    record_id = sa.Column(sa.BigInteger, sa.ForeignKey("communication_records.id"), comment="null: call not known (yet)")


call_callbacks = sa.Table(
    "call_callbacks",
    metadata,
    _Callbacks,
    sa.UniqueConstraint("config_id", "body_digest", name="uq_call_callbacks_body"),
    sa.Index("ix_call_callbacks_unmatched", "config_id", "call_uuid", postgresql_where=sa.text("record_id IS NULL")),
    sa.Index("ix_call_callbacks_received_at", "received_at"),
    sa.Index("ix_call_callbacks_record", "record_id"),
)


class _LineQuestions(Columns):
    config_id = sa.Column(sa.BigInteger, sa.ForeignKey("infinity_configs.id"), primary_key=True, autoincrement=False)
    until = sa.Column(Instant, nullable=False, comment="until then nobody else asks")


line_questions = sa.Table(
    "line_questions",
    metadata,
    _LineQuestions,
    comment="Who may ask Infinity about a configuration's lines: one at a time, over all processes",
)
