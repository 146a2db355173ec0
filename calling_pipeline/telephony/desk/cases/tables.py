"""The table of collectors' cases."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class CollectorCasesColumns(Columns):
    """Columns of `collector_cases`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    reference = sa.Column(sa.Text, nullable=False, comment="for whom the phone is encrypted")
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    collector_id = sa.Column(sa.BigInteger, nullable=False)
    customer_name = sa.Column(sa.Text, nullable=False, server_default="")
    phone_sealed = sa.Column(sa.LargeBinary, nullable=False)
    phone_masked = sa.Column(sa.Text, nullable=False)
    phone_hash = sa.Column(sa.LargeBinary, nullable=False)
    note = sa.Column(sa.Text, nullable=False, server_default="")
    source = sa.Column(sa.Text, nullable=False)
    state = sa.Column(sa.Text, nullable=False, server_default="open")
    place = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="the order in which cases are called")
    result = sa.Column(sa.Text, comment="what came of its last call")
    remark = sa.Column(sa.Text, nullable=False, server_default="")
    next_call_at = sa.Column(Instant, comment="not to be called before")
    calls = sa.Column(sa.Integer, nullable=False, server_default="0")
    last_run = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="the round of calls it was last in")
    created_at = sa.Column(Instant, nullable=False)
    created_by = sa.Column(sa.Text, nullable=False)
    updated_at = sa.Column(Instant, nullable=False)
    done_at = sa.Column(Instant)


collector_cases = sa.Table(
    "collector_cases",
    metadata,
    CollectorCasesColumns,
    sa.CheckConstraint("source IN ('import', 'typed')", name="source"),
    sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL) AND state IN ('open', 'done')", name="state"),
    sa.CheckConstraint(
        "result IN ('promised', 'paid', 'declined', 'no_answer', 'busy', 'wrong_number', 'call_back', 'other')",
        name="result",
    ),
    sa.Index(
        "uq_collector_cases_open_phone",
        "tenant_id",
        "collector_id",
        "phone_hash",
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    ),
    sa.Index("ix_collector_cases_list", "tenant_id", "collector_id", "state", "place", "id"),
    comment="Whom each collector is to call",
)
