"""Tables of the extension pool and of its utilisation.

`extension_pool` changes with every call: no index names a column that an allocation changes, so that those updates stay
within their page (HOT) and the table does not bloat.
"""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata

extension_turns = sa.Sequence("extension_turns", metadata=metadata)
"""Fencing tokens and the order of use: both only ever grow, whatever the wall clock does."""


class ExtensionPoolColumns(Columns):
    """Columns of `extension_pool`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    config_id = sa.Column(sa.BigInteger, sa.ForeignKey("infinity_configs.id"), nullable=False)
    number = sa.Column(sa.Text, nullable=False)
    label = sa.Column(sa.Text, nullable=False, server_default="")
    state = sa.Column(sa.Text, nullable=False, server_default="available")
    holder = sa.Column(sa.BigInteger)
    fence = sa.Column(sa.BigInteger, nullable=False, server_default="0")
    released_turn = sa.Column(sa.BigInteger, nullable=False, server_default="0")
    ready_at = sa.Column(Instant, nullable=False, server_default="-infinity")
    allocated_at = sa.Column(Instant)
    lease_until = sa.Column(Instant)
    last_used_at = sa.Column(Instant)
    failures = sa.Column(sa.Integer, nullable=False, server_default="0")
    draining = sa.Column(sa.Boolean, nullable=False, server_default="false")
    offline_reason = sa.Column(sa.Text, nullable=False, server_default="")
    quarantined_until = sa.Column(Instant)
    created_at = sa.Column(Instant, nullable=False)


extension_pool = sa.Table(
    "extension_pool",
    metadata,
    ExtensionPoolColumns,
    sa.CheckConstraint(
        "num_nonnulls(holder, lease_until)"
        " = CASE state WHEN 'in_use' THEN 2 WHEN 'available' THEN 0 WHEN 'offline' THEN 0 ELSE -1 END",
        name="state",
    ),
    sa.UniqueConstraint("config_id", "number", name="uq_extension_pool_number"),
    postgresql_with={"fillfactor": 40},
)


class ExtensionUtilisationColumns(Columns):
    """Columns of `extension_utilisation`."""

    config_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    taken_at = sa.Column(Instant, primary_key=True)
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    total = sa.Column(sa.Integer, nullable=False)
    in_use = sa.Column(sa.Integer, nullable=False)
    available = sa.Column(sa.Integer, nullable=False)
    cooling_down = sa.Column(sa.Integer, nullable=False)
    offline = sa.Column(sa.Integer, nullable=False)
    quarantined = sa.Column(sa.Integer, nullable=False)
    utilisation_pct = sa.Column(sa.Numeric(5, 2), nullable=False)


extension_utilisation = sa.Table("extension_utilisation", metadata, ExtensionUtilisationColumns)
