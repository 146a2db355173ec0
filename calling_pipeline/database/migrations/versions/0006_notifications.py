"""The outboxes of contract and technician messages, their lanes, and the contract ledgers as last read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_notifications"
down_revision = "0005_call_batches"

_Instant = sa.DateTime(timezone=True)
_STATES = "state IN ('pending', 'sending', 'delivered', 'unknown', 'dead', 'abandoned')"


def upgrade() -> None:
    op.create_table(
        "notification_lanes",
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column(
            "recent", postgresql.ARRAY(_Instant), nullable=False, comment="claims of the last minute, for the robot's rate"
        ),
        sa.PrimaryKeyConstraint("receiver", name="pk_notification_lanes"),
        comment="One row a receiver: whoever claims his next message locks it",
    )
    _create_outbox(
        "contract_messages",
        sa.Column("contract_id", sa.Text(), sa.Computed("metadata ->> 'contract_id'", persisted=True), nullable=False),
        sa.CheckConstraint("kind IN ('send_wecom_message', 'send_wechat_message')", name=op.f("ck_contract_messages_kind")),
        sa.UniqueConstraint("contract_id", "kind", name="uq_contract_messages_contract_id_kind"),
        comment="Messages about contracts: group and award message, at most one of each a contract",
    )
    _create_outbox(
        "technician_messages",
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('company', 'robot')", name=op.f("ck_technician_messages_kind")),
        sa.UniqueConstraint("change_id", "kind", name="uq_technician_messages_change_id_kind"),
        comment="Messages about technicians' status changes: one to the company, one to the robot",
    )
    op.create_table(
        "contract_rows",
        sa.Column("csv_file", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("first_seen_at", _Instant, nullable=False),
        sa.Column("notified_before", sa.Boolean(), nullable=False, comment="it said Y when it was first seen"),
        sa.PrimaryKeyConstraint("csv_file", "contract_id", name="pk_contract_rows"),
        comment="When each contract was first seen in a ledger",
    )
    op.create_index("ix_contract_rows_first_seen_at", "contract_rows", ["first_seen_at"])
    op.create_table(
        "contract_ledgers",
        sa.Column("csv_file", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="the file, byte by byte, as last read"),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column(
            "parked", postgresql.JSONB(), nullable=False, comment="lines that could not be used: line, reason, contract id"
        ),
        sa.Column("read_at", _Instant, nullable=False),
        sa.PrimaryKeyConstraint("csv_file", name="pk_contract_ledgers"),
        comment="Contract ledgers as last read, so that a lost file can be made again",
    )


def _create_outbox(name: str, own: sa.Column[str], *constraints: sa.Constraint, comment: str) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False, comment="robot:GROUP or user:CONTACT"),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("cut_bytes", sa.Integer(), nullable=False, comment="bytes cut off to fit the vendor's limit"),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="times it was claimed; fences late outcomes"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="attempts that count towards giving up"),
        sa.Column("due_at", _Instant, nullable=False),
        sa.Column("dispatcher", sa.BigInteger(), comment="who claimed it last"),
        sa.Column("claimed_at", _Instant),
        sa.Column("settled_at", _Instant, comment="when it was delivered, given up or abandoned"),
        sa.Column("alerted_at", _Instant, comment="when people were told that it is held"),
        sa.Column("last_error", sa.Text()),
        sa.Column(
            "history", postgresql.JSONB(), nullable=False, comment="every outcome but delivery, and every decision by hand"
        ),
        sa.Column("created_at", _Instant, nullable=False),
        own,
        *constraints,
        sa.CheckConstraint(_STATES, name=op.f(f"ck_{name}_state")),
        sa.CheckConstraint("octet_length(body) <= 2048", name=op.f(f"ck_{name}_body_fits")),
        sa.CheckConstraint("receiver ~ '^(robot|user):.'", name=op.f(f"ck_{name}_receiver")),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        comment=comment,
    )
    op.create_index(
        f"uq_{name}_one_in_flight_a_receiver",
        name,
        ["receiver"],
        unique=True,
        postgresql_where=sa.text("state = 'sending'"),
    )
    open_states = sa.text("state IN ('pending', 'sending')")
    op.create_index(f"ix_{name}_lane", name, ["receiver", "id"], postgresql_where=open_states)
    op.create_index(f"ix_{name}_held", name, ["id"], postgresql_where=sa.text("state IN ('unknown', 'dead')"))
