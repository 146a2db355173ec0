"""Work on assets that Dagster does not show yet."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from calling_pipeline.database.tables import Columns, Instant, metadata


class AssetActivityColumns(Columns):
    """One row per piece of work, written in the transaction that did it."""

    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    asset = sa.Column(sa.Text, nullable=False)
    day = sa.Column(sa.Date, comment="partition of the asset; empty: it has none")
    numbers = sa.Column(postgresql.JSONB, nullable=False, comment="figures of this piece of work")
    by = sa.Column(sa.Text, nullable=False, comment="who or what did it")
    noted_at = sa.Column(Instant, nullable=False)


asset_activity = sa.Table(
    "asset_activity",
    metadata,
    AssetActivityColumns,
    comment="Work outside Dagster's runs that its pages do not show yet; reported rows are deleted",
)
