"""Tables of the gateway account's rate, which all batches share."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class GatewayRateColumns(Columns):
    """Columns of `gateway_rates`."""

    account = sa.Column(sa.Text, primary_key=True, comment="application id and address")
    next_at = sa.Column(Instant, nullable=False, comment="the first instant for which no send is reserved")


gateway_rates = sa.Table(
    "gateway_rates",
    metadata,
    GatewayRateColumns,
    comment="How far the sends of each gateway account are reserved: its one rate over all batches and processes",
)


class GatewayShareColumns(Columns):
    """Columns of `gateway_shares`."""

    account = sa.Column(sa.Text, primary_key=True)
    batch_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    reserved_at = sa.Column(Instant, nullable=False)


gateway_shares = sa.Table(
    "gateway_shares",
    metadata,
    GatewayShareColumns,
    comment="When each batch last reserved sends: among how many the account's rate is shared",
)
