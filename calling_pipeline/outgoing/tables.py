"""The table of holds."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class _OutgoingHoldsColumns(Columns):
    kind = sa.Column(sa.Text, primary_key=True, comment="what holds it: restored, shadow")
    act = sa.Column(sa.Text, primary_key=True)
    since = sa.Column(Instant, nullable=False)
    reason = sa.Column(sa.Text, nullable=False, comment="the sentence that whoever tries is shown")
    by = sa.Column(sa.Text, nullable=False, comment="who or what placed it")


outgoing_holds = sa.Table(
    "outgoing_holds",
    metadata,
    _OutgoingHoldsColumns,
    sa.CheckConstraint("act IN ('batches', 'clicks', 'messages', 'mails')", name="act_is_known"),
    comment="While a row of an act stands, that act does not happen, whatever asks for it",
)
