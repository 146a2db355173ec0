"""Which batches' left-out rows are in month files, and what these rows add up to."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class ArchivedBatchesColumns(Columns):
    """Columns of `archived_batches`."""

    batch_id = sa.Column(sa.BigInteger, sa.ForeignKey("call_batches.id"), primary_key=True, autoincrement=False)
    file = sa.Column(sa.Text, nullable=False, comment="its name in the folder of the archives")
    rows = sa.Column(sa.BigInteger, nullable=False)
    reasons = sa.Column(JSONB, nullable=False, comment="rows by the reason why they were left out")
    archived_at = sa.Column(Instant, nullable=False)


archived_batches = sa.Table(
    "archived_batches",
    metadata,
    ArchivedBatchesColumns,
    sa.CheckConstraint("rows > 0", name="has_rows"),
    comment="Closed batches whose left-out rows were moved into month files; rows of calls stay",
)
