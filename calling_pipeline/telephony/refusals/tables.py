"""The table of refusals: clicks that were refused, counted per tenant, hour and rule."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class _CallRefusals(Columns):
    tenant_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    hour = sa.Column(Instant, primary_key=True)
    rule = sa.Column(sa.Text, primary_key=True)
    number = sa.Column(sa.BigInteger, nullable=False)
    again = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="of these, seconds after a refusal before")


call_refusals = sa.Table(
    "call_refusals",
    metadata,
    _CallRefusals,
    comment="Clicks that were refused, per tenant, hour and rule",
)
