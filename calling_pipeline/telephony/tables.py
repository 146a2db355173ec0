"""Tables of telephony. `extension_pool` and `collectors` change with every call: no index names a column that an
allocation changes, so those updates stay within their page (HOT) and the pool never bloats."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata

extension_turns = sa.Sequence("extension_turns", metadata=metadata)
"""Fencing tokens and the order of use: both only ever grow, whatever the wall clock does."""

infinity_configs = sa.Table(
    "infinity_configs",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("tenant_id", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("api_url", sa.Text, nullable=False),
    sa.Column("app_id", sa.Text, nullable=False),
    sa.Column("access_key_sealed", sa.LargeBinary),
    sa.Column("callback_secret_sealed", sa.LargeBinary),
    sa.Column("previous_secret_sealed", sa.LargeBinary),
    sa.Column("previous_secret_until", Instant),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("strategy", sa.Text, nullable=False),
    sa.Column("max_concurrent_calls", sa.Integer, nullable=False),
    sa.Column("ring_timeout_s", sa.Integer, nullable=False),
    sa.Column("cool_down_s", sa.Integer, nullable=False),
    sa.Column("quarantine_after", sa.Integer, nullable=False),
    sa.Column("quarantine_s", sa.Integer, nullable=False),
    sa.Column("caller_numbers", ARRAY(sa.Text), nullable=False),
    sa.Column("caller_range_start", sa.Text),
    sa.Column("caller_range_end", sa.Text),
    sa.Column("caller_turn", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("contact_rules", JSONB, nullable=False, server_default="{}"),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("deleted_at", Instant),
    sa.CheckConstraint("strategy IN ('lru', 'round_robin', 'affinity')", name="strategy"),
    sa.CheckConstraint("max_concurrent_calls BETWEEN 1 AND 1000", name="max_concurrent_calls"),
    sa.CheckConstraint("ring_timeout_s BETWEEN 10 AND 300", name="ring_timeout_s"),
    sa.CheckConstraint("cool_down_s >= 0 AND quarantine_after >= 0 AND quarantine_s >= 0", name="waits"),
    sa.Index("uq_infinity_configs_name", "tenant_id", "name", unique=True, postgresql_where=sa.text("deleted_at IS NULL")),
    sa.Index("uq_infinity_configs_enabled", "tenant_id", unique=True, postgresql_where=sa.text("enabled")),
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
    lent_at = sa.Column(Instant)
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

collectors = sa.Table(
    "collectors",
    metadata,
    sa.Column("tenant_id", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("callback_number_sealed", sa.LargeBinary, nullable=False),
    sa.Column("callback_number_masked", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, server_default="true"),
    sa.Column("extension_id", sa.BigInteger, comment="the extension used last"),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0", comment="token of the last allocation"),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    postgresql_with={"fillfactor": 50},
)

communication_records = sa.Table(
    "communication_records",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("reference", sa.Text, nullable=False, comment="our id of the call, sent as customuuid"),
    sa.Column("tenant_id", sa.BigInteger, nullable=False),
    sa.Column("config_id", sa.BigInteger, sa.ForeignKey("infinity_configs.id"), nullable=False),
    sa.Column("collector_id", sa.BigInteger, nullable=False),
    sa.Column("extension_id", sa.BigInteger, nullable=False),
    sa.Column("extension_number", sa.Text, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False, server_default=""),
    sa.Column("customer_id", sa.Text, nullable=False, server_default=""),
    sa.Column("destination_masked", sa.Text, nullable=False),
    sa.Column("destination_hash", sa.LargeBinary, nullable=False),
    sa.Column("caller_number", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("call_uuid", sa.Text),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("called_at", Instant, comment="MakeCall was answered"),
    sa.Column("deadline", Instant, nullable=False, comment="from then on the sweep asks Infinity"),
    sa.Column("closed_at", Instant, comment="the extension was given back"),
    sa.Column("settled_at", Instant, comment="the final state became known"),
    sa.Column("settled_by", sa.Text),
    sa.Column("duration_s", sa.Integer),
    sa.Column("contact_result", sa.Text),
    sa.Column("remark", sa.Text),
    sa.Column("failure_code", sa.Text),
    sa.Column("failure", sa.Text),
    sa.Column("recording_file", sa.Text),
    sa.Column("recording_url", sa.Text),
    sa.Column("callback_delay_s", sa.Double),
    sa.Column("billed_at", Instant),
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
)

call_callbacks = sa.Table(
    "call_callbacks",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("config_id", sa.BigInteger, sa.ForeignKey("infinity_configs.id"), nullable=False),
    sa.Column("body_digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the raw body: a replay has the same"),
    sa.Column("call_uuid", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False, comment="our customuuid, when custom_params carried it"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("duration_s", sa.Integer, nullable=False),
    sa.Column("contact_result", sa.Text, nullable=False),
    sa.Column("remark", sa.Text, nullable=False),
    sa.Column("recording_url", sa.Text),
    sa.Column("signed_at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("communication_records.id"), comment="null: call not known (yet)"),
    sa.UniqueConstraint("config_id", "body_digest", name="uq_call_callbacks_body"),
    sa.Index("ix_call_callbacks_unmatched", "config_id", "call_uuid", postgresql_where=sa.text("record_id IS NULL")),
    sa.Index("ix_call_callbacks_received_at", "received_at"),
)

infinity_bills = sa.Table(
    "infinity_bills",
    metadata,
    sa.Column("config_id", sa.BigInteger, sa.ForeignKey("infinity_configs.id"), primary_key=True),
    sa.Column("call_uuid", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("extension_number", sa.Text, nullable=False),
    sa.Column("destination_masked", sa.Text, nullable=False),
    sa.Column("destination_hash", sa.LargeBinary, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("duration_s", sa.Integer, nullable=False),
    sa.Column("hangup", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, comment="the state the bill tells"),
    sa.Column("recording_file", sa.Text),
    sa.Column("fetched_at", Instant, nullable=False),
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("communication_records.id"), comment="null: a call we do not know"),
    sa.Index("ix_infinity_bills_day", "day", "config_id"),
)

infinity_bill_days = sa.Table(
    "infinity_bill_days",
    metadata,
    sa.Column("config_id", sa.BigInteger, sa.ForeignKey("infinity_configs.id"), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("reported", sa.Integer, nullable=False),
    sa.Column("fetched", sa.Integer, nullable=False),
    sa.Column("fetched_at", Instant, nullable=False),
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

telephony_audit = sa.Table(
    "telephony_audit",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.BigInteger, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("before", JSONB),
    sa.Column("after", JSONB),
    sa.Index("ix_telephony_audit_tenant", "tenant_id", "id"),
)
