"""Tenants, extensions, collectors and communication records."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_telephony"
down_revision = "0006_notifications"


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("extension_turns")))
    op.create_table(
        "collectors",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("callback_number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("callback_number_masked", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("extension_id", sa.BigInteger(), nullable=True, comment="the extension used last"),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False, comment="token of the last allocation"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_collectors"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "extension_utilisation",
        sa.Column("config_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("in_use", sa.Integer(), nullable=False),
        sa.Column("available", sa.Integer(), nullable=False),
        sa.Column("cooling_down", sa.Integer(), nullable=False),
        sa.Column("offline", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("utilisation_pct", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.PrimaryKeyConstraint("config_id", "taken_at", name="pk_extension_utilisation"),
    )
    op.create_table(
        "infinity_configs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("api_url", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("access_key_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("callback_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("max_concurrent_calls", sa.Integer(), nullable=False),
        sa.Column("ring_timeout_s", sa.Integer(), nullable=False),
        sa.Column("cool_down_s", sa.Integer(), nullable=False),
        sa.Column("quarantine_after", sa.Integer(), nullable=False),
        sa.Column("quarantine_s", sa.Integer(), nullable=False),
        sa.Column("caller_numbers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("caller_range_start", sa.Text(), nullable=True),
        sa.Column("caller_range_end", sa.Text(), nullable=True),
        sa.Column("caller_turn", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("contact_rules", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("strategy IN ('lru', 'round_robin', 'affinity')", name="ck_infinity_configs_strategy"),
        sa.CheckConstraint(
            "cool_down_s >= 0 AND quarantine_after >= 0 AND quarantine_s >= 0", name="ck_infinity_configs_waits"
        ),
        sa.CheckConstraint("max_concurrent_calls BETWEEN 1 AND 1000", name="ck_infinity_configs_max_concurrent_calls"),
        sa.CheckConstraint("ring_timeout_s BETWEEN 10 AND 300", name="ck_infinity_configs_ring_timeout_s"),
        sa.PrimaryKeyConstraint("id", name="pk_infinity_configs"),
    )
    op.create_index(
        "uq_infinity_configs_enabled", "infinity_configs", ["tenant_id"], unique=True, postgresql_where=sa.text("enabled")
    )
    op.create_index(
        "uq_infinity_configs_name",
        "infinity_configs",
        ["tenant_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "telephony_audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_telephony_audit"),
    )
    op.create_index("ix_telephony_audit_tenant", "telephony_audit", ["tenant_id", "id"], unique=False)
    op.create_table(
        "communication_records",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, comment="our id of the call, sent as customuuid"),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("config_id", sa.BigInteger(), nullable=False),
        sa.Column("collector_id", sa.BigInteger(), nullable=False),
        sa.Column("extension_id", sa.BigInteger(), nullable=False),
        sa.Column("extension_number", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_id", sa.Text(), server_default="", nullable=False),
        sa.Column("destination_masked", sa.Text(), nullable=False),
        sa.Column("destination_hash", sa.LargeBinary(), nullable=False),
        sa.Column("caller_number", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("call_uuid", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True, comment="MakeCall was answered"),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False, comment="from then on the sweep asks Infinity"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True, comment="the extension was given back"),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True, comment="the final state became known"),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("duration_s", sa.Integer(), nullable=True),
        sa.Column("contact_result", sa.Text(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("recording_file", sa.Text(), nullable=True),
        sa.Column("recording_url", sa.Text(), nullable=True),
        sa.Column("callback_delay_s", sa.Double(), nullable=True),
        sa.Column("billed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('initiating', 'ringing', 'unknown')) = (settled_at IS NULL)",
            name="ck_communication_records_final_states_are_settled",
        ),
        sa.CheckConstraint(
            "state IN ('initiating', 'ringing', 'connected', 'not_connected', 'busy', 'cancelled', 'failed', 'unknown')",
            name="ck_communication_records_state",
        ),
        sa.CheckConstraint(
            "state NOT IN ('initiating', 'ringing') OR closed_at IS NULL",
            name="ck_communication_records_under_way_is_open",
        ),
        sa.ForeignKeyConstraint(
            ["config_id"], ["infinity_configs.id"], name="fk_communication_records_config_id_infinity_configs"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_communication_records"),
        sa.UniqueConstraint("call_uuid", "config_id", name="uq_communication_records_call_uuid"),
        sa.UniqueConstraint("reference", name="uq_communication_records_reference"),
    )
    op.create_index(
        "ix_communication_records_deadline",
        "communication_records",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_communication_records_started_at", "communication_records", ["started_at"], unique=False)
    op.create_index("ix_communication_records_tenant", "communication_records", ["tenant_id", "id"], unique=False)
    op.create_index(
        "uq_communication_records_open_collector",
        "communication_records",
        ["tenant_id", "collector_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "uq_communication_records_open_extension",
        "communication_records",
        ["extension_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "extension_pool",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("config_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="available", nullable=False),
        sa.Column("holder", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("released_turn", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), server_default="-infinity", nullable=False),
        sa.Column("lent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("draining", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("offline_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("quarantined_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'in_use') = (holder IS NOT NULL)", name="ck_extension_pool_in_use_has_a_holder"),
        sa.CheckConstraint("(state = 'in_use') = (lease_until IS NOT NULL)", name="ck_extension_pool_in_use_has_an_end"),
        sa.CheckConstraint("state IN ('available', 'in_use', 'offline')", name="ck_extension_pool_state"),
        sa.ForeignKeyConstraint(["config_id"], ["infinity_configs.id"], name="fk_extension_pool_config_id_infinity_configs"),
        sa.PrimaryKeyConstraint("id", name="pk_extension_pool"),
        sa.UniqueConstraint("config_id", "number", name="uq_extension_pool_number"),
        postgresql_with={"fillfactor": 40},
    )
    op.create_table(
        "infinity_bill_days",
        sa.Column("config_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reported", sa.Integer(), nullable=False),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["config_id"], ["infinity_configs.id"], name="fk_infinity_bill_days_config_id_infinity_configs"
        ),
        sa.PrimaryKeyConstraint("config_id", "day", name="pk_infinity_bill_days"),
    )
    op.create_table(
        "call_callbacks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("config_id", sa.BigInteger(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the raw body: a replay has the same"),
        sa.Column("call_uuid", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, comment="our customuuid, when custom_params carried it"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("contact_result", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("recording_url", sa.Text(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=True, comment="null: call not known (yet)"),
        sa.ForeignKeyConstraint(["config_id"], ["infinity_configs.id"], name="fk_call_callbacks_config_id_infinity_configs"),
        sa.ForeignKeyConstraint(
            ["record_id"], ["communication_records.id"], name="fk_call_callbacks_record_id_communication_records"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_call_callbacks"),
        sa.UniqueConstraint("config_id", "body_digest", name="uq_call_callbacks_body"),
    )
    op.create_index("ix_call_callbacks_received_at", "call_callbacks", ["received_at"], unique=False)
    op.create_index(
        "ix_call_callbacks_unmatched",
        "call_callbacks",
        ["config_id", "call_uuid"],
        unique=False,
        postgresql_where=sa.text("record_id IS NULL"),
    )
    op.create_table(
        "infinity_bills",
        sa.Column("config_id", sa.BigInteger(), nullable=False),
        sa.Column("call_uuid", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("extension_number", sa.Text(), nullable=False),
        sa.Column("destination_masked", sa.Text(), nullable=False),
        sa.Column("destination_hash", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("hangup", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="the state the bill tells"),
        sa.Column("recording_file", sa.Text(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=True, comment="null: a call we do not know"),
        sa.ForeignKeyConstraint(["config_id"], ["infinity_configs.id"], name="fk_infinity_bills_config_id_infinity_configs"),
        sa.ForeignKeyConstraint(
            ["record_id"], ["communication_records.id"], name="fk_infinity_bills_record_id_communication_records"
        ),
        sa.PrimaryKeyConstraint("config_id", "call_uuid", name="pk_infinity_bills"),
    )
    op.create_index("ix_infinity_bills_day", "infinity_bills", ["day", "config_id"], unique=False)
    op.execute(
        """
        CREATE VIEW extension_statistics AS
        SELECT c.tenant_id, c.id AS config_id, c.name AS config_name, c.enabled, c.max_concurrent_calls,
               count(e.id) AS total,
               count(e.id) FILTER (WHERE e.state = 'available') AS available,
               count(e.id) FILTER (WHERE e.state = 'in_use') AS in_use,
               count(e.id) FILTER (WHERE e.state = 'offline') AS offline,
               count(e.id) FILTER (WHERE e.state = 'offline' AND e.offline_reason LIKE 'quarantine%') AS quarantined,
               count(e.id) FILTER (WHERE e.draining) AS draining,
               max(e.last_used_at) AS last_used_at
        FROM infinity_configs c LEFT JOIN extension_pool e ON e.config_id = c.id
        WHERE c.deleted_at IS NULL
        GROUP BY c.id
        """
    )
