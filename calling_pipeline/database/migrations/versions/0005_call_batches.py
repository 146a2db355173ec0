"""Calling tasks, batches, call tasks, log and history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0005_call_batches"
down_revision = "0004_contact_policy"

Instant = sa.DateTime(timezone=True)

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% rows are only ever added', TG_TABLE_NAME; END $$;
CREATE TRIGGER call_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON call_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        "calling_tasks",
        sa.Column("id", sa.Integer, sa.Identity(always=True)),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("cron", sa.Text, nullable=False, comment="5 fields, or 6 with seconds first; Asia/Shanghai"),
        sa.Column("source_schema", sa.Text, nullable=False),
        sa.Column("source_table", sa.Text, nullable=False),
        sa.Column("mobile_phone", sa.Text, nullable=False, comment="column of the source table, as are the next four"),
        sa.Column("staff_name", sa.Text),
        sa.Column("sys_name", sa.Text),
        sa.Column("order_type", sa.Text),
        sa.Column("order_nums", sa.Text),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("remark", sa.Text, nullable=False, server_default=""),
        sa.Column("recall_days", sa.Integer, comment="null: never again"),
        sa.Column("rate_per_s", sa.Float, comment="null: the setting's"),
        sa.Column("policy", JSONB, nullable=False, server_default="{}"),
        sa.Column("ticks_from", Instant, nullable=False, comment="no tick before this instant is ever due"),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.UniqueConstraint("name", name="uq_calling_tasks_name"),
        sa.CheckConstraint("recall_days >= 0", name=op.f("ck_calling_tasks_recall_days")),
        sa.CheckConstraint("rate_per_s > 0", name=op.f("ck_calling_tasks_rate_per_s")),
        sa.PrimaryKeyConstraint("id", name="pk_calling_tasks"),
        comment="What is called, when, and by which rules",
    )
    op.create_table(
        "call_batches",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True)),
        sa.Column("key", sa.Text, nullable=False, comment="task and tick: one tick is planned once"),
        sa.Column("calling_task_id", sa.Integer, nullable=False),
        sa.Column("task_name", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False, comment="daily partition"),
        sa.Column("tick_at", Instant, comment="null: started by hand"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("recall_days", sa.Integer),
        sa.Column("rate_per_s", sa.Float),
        sa.Column("policy", JSONB, nullable=False),
        sa.Column("card", JSONB, nullable=False),
        sa.Column("runner", UUID(as_uuid=True), comment="fencing: only this runner may claim"),
        sa.Column("planned_at", Instant, nullable=False),
        sa.Column("started_at", Instant),
        sa.Column("finished_at", Instant),
        sa.Column("resume_at", Instant, comment="when a waiting batch goes on"),
        sa.UniqueConstraint("key", name="uq_call_batches_key"),
        sa.CheckConstraint(
            "state IN ('planned', 'running', 'waiting', 'paused', 'cancelled', 'completed')",
            name=op.f("ck_call_batches_state"),
        ),
        sa.ForeignKeyConstraint(["calling_task_id"], ["calling_tasks.id"], name="fk_call_batches_calling_task"),
        sa.PrimaryKeyConstraint("id", name="pk_call_batches"),
        comment="One execution of a calling task",
    )
    op.create_index("ix_call_batches_day", "call_batches", ["day"])
    op.create_table(
        "call_tasks",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True)),
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("source_row", sa.Integer, nullable=False, comment="position in the source table when it was planned"),
        sa.Column("phone", sa.Text(collation="C"), comment="canonical; null when there is none"),
        sa.Column("raw", sa.Text, comment="the source's spelling where it differs"),
        sa.Column("staff_name", sa.Text),
        sa.Column("sys_name", sa.Text),
        sa.Column("order_type", sa.Text),
        sa.Column("order_nums", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, comment="why it was skipped, refused or failed"),
        sa.Column("distinct_id", sa.Text, comment="the gateway's key, given at the first claim and never changed"),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0", comment="claims so far"),
        sa.Column("not_before", Instant),
        sa.Column("claim", UUID(as_uuid=True), comment="the claim that holds it, or held it last"),
        sa.Column("claimed_at", Instant),
        sa.Column("resp_code", sa.Text),
        sa.CheckConstraint(
            "state IN ('pending', 'pushing', 'pushed', 'refused', 'failed', 'unknown', 'skipped')",
            name=op.f("ck_call_tasks_state"),
        ),
        sa.CheckConstraint("state = 'skipped' OR phone IS NOT NULL", name=op.f("ck_call_tasks_phone")),
        sa.CheckConstraint("state <> 'skipped' OR reason IS NOT NULL", name=op.f("ck_call_tasks_skip_reason")),
        sa.Index(
            "uq_call_tasks_open_phone",
            "phone",
            unique=True,
            postgresql_where=sa.text("state IN ('pending', 'pushing', 'unknown')"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_call_tasks"),
        comment="One source row of a batch and what became of it",
    )
    op.create_index(
        "uq_call_tasks_distinct_id",
        "call_tasks",
        ["distinct_id"],
        unique=True,
        postgresql_where=sa.text("distinct_id IS NOT NULL"),
    )
    op.create_index(
        "ix_call_tasks_pending", "call_tasks", ["batch_id", "source_row"], postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index("ix_call_tasks_batch_state", "call_tasks", ["batch_id", "state"])
    op.create_table(
        "call_log",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True)),
        sa.Column("call_task_id", sa.BigInteger, nullable=False),
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("phone", sa.Text(collation="C"), nullable=False),
        sa.Column("distinct_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("resp_code", sa.Text, nullable=False, server_default=""),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        sa.Column("http_status", sa.SmallInteger),
        sa.Column("sent_at", Instant),
        sa.Column("answered_at", Instant),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("call_task_id", "attempt", "outcome", name="uq_call_log_attempt_outcome"),
        sa.CheckConstraint(
            "outcome IN ('pushed', 'refused', 'failed', 'not_sent', 'unknown', 'settled_pushed', 'settled_retry')",
            name=op.f("ck_call_log_outcome"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_call_log"),
        comment="Every push attempt and every settlement; rows are only ever added",
    )
    op.create_index("ix_call_log_batch_id", "call_log", ["batch_id"])
    op.create_index("ix_call_log_phone_recorded_at", "call_log", ["phone", "recorded_at"])
    op.create_table(
        "call_history",
        sa.Column("phone", sa.Text(collation="C")),
        sa.Column("first_called_at", Instant, nullable=False),
        sa.Column("last_called_at", Instant, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("last_batch_id", sa.BigInteger, nullable=False),
        sa.Column("last_call_task_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("phone", name="pk_call_history"),
        comment="One row a phone ever called",
    )
    op.create_table(
        "gateway_ids",
        sa.Column("single", sa.Boolean),
        sa.Column("last_slot", sa.BigInteger, nullable=False, comment="milliseconds since 1970 of the last distinct_id"),
        sa.CheckConstraint("single", name=op.f("ck_gateway_ids_single")),
        sa.PrimaryKeyConstraint("single", name="pk_gateway_ids"),
        comment="The last distinct_id given out, one row",
    )
    op.execute(APPEND_ONLY)
    op.execute("INSERT INTO gateway_ids (single, last_slot) VALUES (true, 0)")
