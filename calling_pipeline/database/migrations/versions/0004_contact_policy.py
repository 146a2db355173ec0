"""The do-not-call list and contact attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0004_contact_policy"
down_revision = "0003_task_ledger"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "do_not_call",
        sa.Column("phone", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("added_by", sa.Text, nullable=False, server_default=""),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("phone", "source", name="pk_do_not_call"),
        comment="Numbers nobody may contact, one row a source; without expires_at for ever",
    )
    op.create_table(
        "contact_attempts",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True)),
        sa.Column("phone", sa.Text(collation="C"), nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("caller", sa.Text),
        sa.Column("tenant", sa.Integer),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contact_attempts"),
        sa.UniqueConstraint("room", "reference", name="uq_contact_attempts_room_reference"),
        comment="Every attempt that was allowed, answered or not; what the caps count",
    )
    op.create_index("ix_contact_attempts_phone_at", "contact_attempts", ["phone", "at"])
    op.create_index("ix_contact_attempts_at", "contact_attempts", ["at"], postgresql_using="brin")
    op.create_table(
        "contact_holidays",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_contact_holidays"),
        comment="Days on which policies that are closed on holidays allow nothing",
    )
