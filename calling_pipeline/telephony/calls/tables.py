"""Tables of telephony.

`extension_pool` and `collectors` change with every call: no index names a column that an allocation changes, so that those
updates stay within their page (HOT) and the tables do not bloat.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata

extension_turns = sa.Sequence("extension_turns", metadata=metadata)
"""Fencing tokens and the order of use: both only ever grow, whatever the wall clock does."""


class _Configs(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    name = sa.Column(sa.Text, nullable=False)
    api_url = sa.Column(sa.Text, nullable=False)
    app_id = sa.Column(sa.Text, nullable=False)
    access_key_sealed = sa.Column(sa.LargeBinary)
    callback_secret_sealed = sa.Column(sa.LargeBinary)
    previous_secret_sealed = sa.Column(sa.LargeBinary)
    previous_secret_until = sa.Column(Instant)
    enabled = sa.Column(sa.Boolean, nullable=False)
    strategy = sa.Column(sa.Text, nullable=False)
    max_concurrent_calls = sa.Column(sa.Integer, nullable=False)
    ring_timeout_s = sa.Column(sa.Integer, nullable=False)
    cool_down_s = sa.Column(sa.Integer, nullable=False)
    quarantine_after = sa.Column(sa.Integer, nullable=False)
    quarantine_s = sa.Column(sa.Integer, nullable=False)
    caller_numbers: sa.Column[list[str]] = sa.Column(ARRAY(sa.Text), nullable=False)
    caller_range_start = sa.Column(sa.Text)
    caller_range_end = sa.Column(sa.Text)
    caller_turn = sa.Column(sa.BigInteger, nullable=False, server_default="0")
    contact_rules = sa.Column(JSONB, nullable=False, server_default="{}")
    created_at = sa.Column(Instant, nullable=False)
    updated_at = sa.Column(Instant, nullable=False)
    deleted_at = sa.Column(Instant)
    calls_per_hour = sa.Column(sa.Integer, comment="of the tenant within any hour; empty: no limit")
    calls_per_day = sa.Column(sa.Integer, comment="of the tenant within any 24 hours; empty: no limit")
    collector_calls_per_hour = sa.Column(sa.Integer, comment="of each collector within any hour; empty: no limit")
    collector_calls_per_day = sa.Column(sa.Integer, comment="of each collector within any 24 hours; empty: no limit")
    callback_path_digest = sa.Column(
        sa.LargeBinary, comment="SHA-256 of the secret path for callbacks without a signature; empty: only signed ones"
    )
    callback_addresses: sa.Column[list[str]] = sa.Column(
        ARRAY(sa.Text), nullable=False, server_default="{}", comment="networks that may use that path"
    )


infinity_configs = sa.Table(
    "infinity_configs",
    metadata,
    _Configs,
    sa.CheckConstraint("strategy IN ('lru', 'round_robin', 'affinity')", name="strategy"),
    sa.CheckConstraint("max_concurrent_calls BETWEEN 1 AND 1000", name="max_concurrent_calls"),
    sa.CheckConstraint("ring_timeout_s BETWEEN 10 AND 300", name="ring_timeout_s"),
    sa.CheckConstraint("cool_down_s >= 0 AND quarantine_after >= 0 AND quarantine_s >= 0", name="waits"),
    sa.CheckConstraint(
        "least(calls_per_hour, calls_per_day, collector_calls_per_hour, collector_calls_per_day) > 0", name="call_limits"
    ),
    sa.Index("uq_infinity_configs_name", "tenant_id", "name", unique=True, postgresql_where=sa.text("deleted_at IS NULL")),
    sa.Index("uq_infinity_configs_enabled", "tenant_id", unique=True, postgresql_where=sa.text("enabled")),
    sa.Index("uq_infinity_configs_callback_path", "callback_path_digest", unique=True),
)


class ExtensionPoolColumns(Columns):
    """Columns of `extension_pool`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    config_id = sa.Column(sa.BigInteger, sa.ForeignKey("infinity_configs.id"), nullable=False)
    number = sa.Column(sa.Text, nullable=False)
    label = sa.Column(sa.Text, nullable=False, server_default="")
    state = sa.Column(sa.Text, nullable=False, server_default="available")
    holder = sa.Column(sa.BigInteger)
    fence = sa.Column(sa.BigInteger, nullable=False, server_default="0")
    released_turn = sa.Column(sa.BigInteger, nullable=False, server_default="0")
    ready_at = sa.Column(Instant, nullable=False, server_default="-infinity")
    allocated_at = sa.Column(Instant)
    lease_until = sa.Column(Instant)
    last_used_at = sa.Column(Instant)
    failures = sa.Column(sa.Integer, nullable=False, server_default="0")
    draining = sa.Column(sa.Boolean, nullable=False, server_default="false")
    offline_reason = sa.Column(sa.Text, nullable=False, server_default="")
    quarantined_until = sa.Column(Instant)
    created_at = sa.Column(Instant, nullable=False)


extension_pool = sa.Table(
    "extension_pool",
    metadata,
    ExtensionPoolColumns,
    sa.CheckConstraint(
        "num_nonnulls(holder, lease_until)"
        " = CASE state WHEN 'in_use' THEN 2 WHEN 'available' THEN 0 WHEN 'offline' THEN 0 ELSE -1 END",
        name="state",
    ),
    sa.UniqueConstraint("config_id", "number", name="uq_extension_pool_number"),
    postgresql_with={"fillfactor": 40},
)


class _Collectors(Columns):
    tenant_id = sa.Column(sa.BigInteger, primary_key=True)
    id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    name = sa.Column(sa.Text, nullable=False, server_default="")
    callback_number_sealed = sa.Column(sa.LargeBinary, nullable=False)
    callback_number_masked = sa.Column(sa.Text, nullable=False)
    active = sa.Column(sa.Boolean, nullable=False, server_default="true")
    extension_id = sa.Column(sa.BigInteger, comment="the extension used last")
    fence = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="token of the last allocation")
    created_at = sa.Column(Instant, nullable=False)
    updated_at = sa.Column(Instant, nullable=False)


collectors = sa.Table(
    "collectors",
    metadata,
    _Collectors,
    postgresql_with={"fillfactor": 50},
)


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


class _KeptCallbacks(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    config_id = sa.Column(sa.BigInteger, sa.ForeignKey("infinity_configs.id"), nullable=False)
    body_digest = sa.Column(sa.LargeBinary, nullable=False, comment="SHA-256 of the raw body")
    body_sealed = sa.Column(sa.LargeBinary, comment="the raw body, encrypted; empty once it was applied or given up")
    reason = sa.Column(sa.Text, nullable=False)
    sentence = sa.Column(sa.Text, nullable=False, comment="what cannot be read or confirmed")
    call_uuid = sa.Column(sa.Text, nullable=False, server_default="", comment="the call that the body names")
    signed_at = sa.Column(Instant, nullable=False)
    received_at = sa.Column(Instant, nullable=False)
    repeats = sa.Column(sa.Integer, nullable=False, server_default="0")
    closed_at = sa.Column(Instant, comment="empty: it waits")
    closed_by = sa.Column(sa.Text, nullable=False, server_default="")
    outcome = sa.Column(sa.Text, nullable=False, server_default="", comment="what became of it")


kept_callbacks = sa.Table(
    "kept_callbacks",
    metadata,
    _KeptCallbacks,
    sa.CheckConstraint("reason IN ('unreadable', 'unconfirmed')", name="reason"),
    sa.UniqueConstraint("config_id", "body_digest", name="uq_kept_callbacks_body"),
    sa.Index("ix_kept_callbacks_open", "config_id", "call_uuid", postgresql_where=sa.text("closed_at IS NULL")),
    comment="Callbacks that cannot be read, or that nothing has confirmed yet",
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


class _CallRefusals(Columns):
    tenant_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    hour = sa.Column(Instant, primary_key=True)
    rule = sa.Column(sa.Text, primary_key=True)
    number = sa.Column(sa.BigInteger, nullable=False)
    again = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="of these, seconds after a refusal before")


call_refusals = sa.Table(
    "call_refusals",
    metadata,
    _CallRefusals,
    comment="Clicks that were refused, per tenant, hour and rule",
)


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


class ExtensionUtilisationColumns(Columns):
    """Columns of `extension_utilisation`."""

    config_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    taken_at = sa.Column(Instant, primary_key=True)
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    total = sa.Column(sa.Integer, nullable=False)
    in_use = sa.Column(sa.Integer, nullable=False)
    available = sa.Column(sa.Integer, nullable=False)
    cooling_down = sa.Column(sa.Integer, nullable=False)
    offline = sa.Column(sa.Integer, nullable=False)
    quarantined = sa.Column(sa.Integer, nullable=False)
    utilisation_pct = sa.Column(sa.Numeric(5, 2), nullable=False)


extension_utilisation = sa.Table("extension_utilisation", metadata, ExtensionUtilisationColumns)
