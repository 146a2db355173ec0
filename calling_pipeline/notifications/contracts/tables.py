"""Contract notifications: the messages, the rows first seen, and the ledger files as last read."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Instant, metadata
from calling_pipeline.notifications.outbox.tables import outbox_table

contract_messages = outbox_table(
    "contract_messages",
    sa.Column("contract_id", sa.Text, sa.Computed("metadata ->> 'contract_id'", persisted=True), nullable=False),
    sa.CheckConstraint("kind IN ('send_wecom_message', 'send_wechat_message')", name="kind"),
    sa.UniqueConstraint("contract_id", "kind", name="uq_contract_messages_contract_id_kind"),
    comment="Messages about contracts: group and award message, at most one of each a contract",
)

contract_rows = sa.Table(
    "contract_rows",
    metadata,
    sa.Column("csv_file", sa.Text, primary_key=True),
    sa.Column("contract_id", sa.Text, primary_key=True),
    sa.Column("first_seen_at", Instant, nullable=False),
    sa.Column("notified_before", sa.Boolean, nullable=False, comment="it said Y when it was first seen"),
    sa.Index("ix_contract_rows_first_seen_at", "first_seen_at"),
    comment="When each contract was first seen in a ledger",
)

contract_ledgers = sa.Table(
    "contract_ledgers",
    metadata,
    sa.Column("csv_file", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False, comment="the file, byte by byte, as last read"),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("encoding", sa.Text, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("parked", JSONB, nullable=False, comment="lines that could not be used: line, reason, contract id"),
    sa.Column("read_at", Instant, nullable=False),
    comment="Contract ledgers as last read, so that a lost file can be made again",
)
