"""Contract notifications: the messages, the rows first seen, and the ledger files as last read."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata
from calling_pipeline.notifications.outbox.tables import OutboxColumns, outbox_table


class ContractMessageColumns(OutboxColumns):
    """Those of an outbox, and the contract that the message is about."""

    contract_id = sa.Column(
        sa.Text, sa.Computed("btrim(normalize(metadata ->> 'contract_id', NFKC))", persisted=True), nullable=False
    )
    edition = sa.Column(
        sa.Integer,
        nullable=False,
        server_default="0",
        comment="0: the first message; each resend ordered by a person is the next",
    )
    resend_of = sa.Column(sa.BigInteger, comment="the message that it sends again; empty for the first")


contract_messages = outbox_table(
    "contract_messages",
    ContractMessageColumns,
    sa.CheckConstraint("kind IN ('send_wecom_message', 'send_wechat_message')", name="kind"),
    sa.UniqueConstraint("contract_id", "kind", "edition", name="uq_contract_messages_contract_id_kind"),
    sa.ForeignKeyConstraint(["resend_of"], ["contract_messages.id"]),
    comment="Messages about contracts: group and award message, at most one of each per contract",
)


class ContractRowColumns(Columns):
    """One row per ledger and contract."""

    csv_file = sa.Column(sa.Text, primary_key=True)
    contract_id = sa.Column(sa.Text, primary_key=True)
    first_seen_at = sa.Column(Instant, nullable=False)
    notified_before = sa.Column(sa.Boolean, nullable=False, comment="it said Y when it was first seen")
    line = sa.Column(sa.Integer, comment="its first line when the ledger was last read")
    said_yes_at = sa.Column(Instant, comment="when it was first seen to say Y, or Y was written")
    set_back_at = sa.Column(Instant, comment="when it was found to say N again; empty once that is answered")
    parked = sa.Column(
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        comment="no message could be made of it yet: it goes on as soon as one can",
    )


contract_rows = sa.Table(
    "contract_rows",
    metadata,
    ContractRowColumns,
    sa.Index("ix_contract_rows_first_seen_at", "first_seen_at"),
    sa.Index("ix_contract_rows_contract", "contract_id"),
    sa.Index("ix_contract_rows_set_back", "first_seen_at", postgresql_where=sa.text("set_back_at IS NOT NULL")),
    sa.Index("ix_contract_rows_waiting", "first_seen_at", postgresql_where=sa.text("said_yes_at IS NULL")),
    comment="When each contract was first seen in a ledger",
)


class ContractLedgerColumns(Columns):
    """One row per ledger file."""

    csv_file = sa.Column(sa.Text, primary_key=True)
    content = sa.Column(sa.LargeBinary, nullable=False, comment="the file, byte by byte, as last read")
    digest = sa.Column(sa.LargeBinary, nullable=False)
    encoding = sa.Column(sa.Text, nullable=False)
    rows = sa.Column(sa.Integer, nullable=False)
    parked = sa.Column(JSONB, nullable=False, comment="lines that could not be used: line, reason, contract id")
    read_at = sa.Column(Instant, nullable=False)


contract_ledgers = sa.Table(
    "contract_ledgers",
    metadata,
    ContractLedgerColumns,
    comment="Contract ledgers as last read, so that a lost file can be made again",
)
