"""The task ledger, its charges, refusals and daily usage; and the tokens that vendors lend us."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_task_ledger"
down_revision = "0002_alerts"

_Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_credentials()
    _create_ledger()
    _create_charges_and_refusals()
    _create_usage()


def _create_credentials() -> None:
    op.create_table(
        "vendor_credentials",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="the token, encrypted for this name"),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="grows with every token stored"),
        sa.Column("expires_at", _Instant, nullable=False),
        sa.Column("obtained_at", _Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_vendor_credentials"),
        comment="Tokens that vendors lend us; `database/credentials.py` is their only reader and writer",
    )


def _create_ledger() -> None:
    op.create_table(
        "task_ledger",
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.Column("charged_act", sa.Text(), nullable=False, comment="key under which its completion is charged"),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", _Instant, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_at", _Instant, nullable=False, comment="when a save last changed something"),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("finished_at", _Instant, comment="when it became completed or failed"),
        sa.Column("saves", sa.BigInteger(), nullable=False, comment="saves received, refused and repeated ones included"),
        sa.Column("last_outcome", sa.Text(), nullable=False, comment="what the last save did"),
        sa.CheckConstraint("task_id <> ''", name=op.f("ck_task_ledger_task_id_not_empty")),
        sa.CheckConstraint("state IN ('pending', 'completed', 'failed')", name=op.f("ck_task_ledger_state")),
        sa.CheckConstraint("credits >= 0", name=op.f("ck_task_ledger_credits_not_negative")),
        sa.CheckConstraint("(state = 'pending') = (finished_at IS NULL)", name=op.f("ck_task_ledger_finished_when_final")),
        sa.PrimaryKeyConstraint("task_id", name="pk_task_ledger"),
        comment="Every unit of work, one row a task id; never goes backwards",
    )
    op.create_index("ix_task_ledger_created_at", "task_ledger", ["created_at"])
    op.create_index("ix_task_ledger_finished_at", "task_ledger", ["finished_at"])


def _create_charges_and_refusals() -> None:
    op.create_table(
        "task_charges",
        sa.Column("charged_act", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("charged_at", _Instant, nullable=False),
        sa.Column("charged_by", sa.Text(), nullable=False),
        sa.CheckConstraint("credits > 0", name=op.f("ck_task_charges_credits_positive")),
        sa.ForeignKeyConstraint(["task_id"], ["task_ledger.task_id"], name="fk_task_charges_task_id_task_ledger"),
        sa.UniqueConstraint("task_id", name="uq_task_charges_task_id"),
        sa.PrimaryKeyConstraint("charged_act", name="pk_task_charges"),
        comment="Credits charged, once an act",
    )
    op.create_index("ix_task_charges_charged_at", "task_charges", ["charged_at"])
    op.create_table(
        "task_refusals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False, comment="credits the refused save asked for"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refused_by", sa.Text(), nullable=False, comment="who asked for it"),
        sa.Column("refused_at", _Instant, nullable=False),
        sa.CheckConstraint("kind IN ('transition', 'charge')", name=op.f("ck_task_refusals_kind")),
        sa.PrimaryKeyConstraint("id", name="pk_task_refusals"),
        comment="Refused moves and refused charges, with who, when and why; append-only",
    )
    op.create_index("ix_task_refusals_task_id", "task_refusals", ["task_id"])
    op.create_index("ix_task_refusals_refused_at", "task_refusals", ["refused_at"])


def _create_usage() -> None:
    op.create_table(
        "task_usage",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("completed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column(
            "pending", sa.BigInteger(), nullable=False, comment="created that day and still open when this was counted"
        ),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("refusals", sa.BigInteger(), nullable=False),
        sa.Column("calculated_at", _Instant, nullable=False),
        sa.PrimaryKeyConstraint("date", "feature", name="pk_task_usage"),
        comment="Tasks and credits by day and feature",
    )
