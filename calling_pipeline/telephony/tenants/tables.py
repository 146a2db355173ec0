"""Tables of tenants: their configurations with Infinity, and their collectors.

`collectors` changes with every call: no index names a column that an allocation changes, so that those updates stay within
their page (HOT) and the table does not bloat.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class _Configs(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    name = sa.Column(sa.Text, nullable=False)
    api_url = sa.Column(sa.Text, nullable=False)
    app_id = sa.Column(sa.Text, nullable=False)
    access_key_sealed = sa.Column(sa.LargeBinary)
    callback_secret_sealed = sa.Column(sa.LargeBinary)
    previous_secret_sealed = sa.Column(sa.LargeBinary)
    previous_secret_until = sa.Column(Instant)
    enabled = sa.Column(sa.Boolean, nullable=False)
    strategy = sa.Column(sa.Text, nullable=False)
    max_concurrent_calls = sa.Column(sa.Integer, nullable=False)
    ring_timeout_s = sa.Column(sa.Integer, nullable=False)
    cool_down_s = sa.Column(sa.Integer, nullable=False)
    quarantine_after = sa.Column(sa.Integer, nullable=False)
    quarantine_s = sa.Column(sa.Integer, nullable=False)
    caller_numbers: sa.Column[list[str]] = sa.Column(ARRAY(sa.Text), nullable=False)
    caller_range_start = sa.Column(sa.Text)
    caller_range_end = sa.Column(sa.Text)
    caller_turn = sa.Column(sa.BigInteger, nullable=False, server_default="0")
    contact_rules = sa.Column(JSONB, nullable=False, server_default="{}")
    created_at = sa.Column(Instant, nullable=False)
    updated_at = sa.Column(Instant, nullable=False)
    deleted_at = sa.Column(Instant)
    calls_per_hour = sa.Column(sa.Integer, comment="of the tenant within any hour; empty: no limit")
    calls_per_day = sa.Column(sa.Integer, comment="of the tenant within any 24 hours; empty: no limit")
    collector_calls_per_hour = sa.Column(sa.Integer, comment="of each collector within any hour; empty: no limit")
    collector_calls_per_day = sa.Column(sa.Integer, comment="of each collector within any 24 hours; empty: no limit")
    callback_path_digest = sa.Column(
        sa.LargeBinary, comment="SHA-256 of the secret path for callbacks without a signature; empty: only signed ones"
    )
    callback_addresses: sa.Column[list[str]] = sa.Column(
        ARRAY(sa.Text), nullable=False, server_default="{}", comment="networks that may use that path"
    )


infinity_configs = sa.Table(
    "infinity_configs",
    metadata,
    _Configs,
    sa.CheckConstraint("strategy IN ('lru', 'round_robin', 'affinity')", name="strategy"),
    sa.CheckConstraint("max_concurrent_calls BETWEEN 1 AND 1000", name="max_concurrent_calls"),
    sa.CheckConstraint("ring_timeout_s BETWEEN 10 AND 300", name="ring_timeout_s"),
    sa.CheckConstraint("cool_down_s >= 0 AND quarantine_after >= 0 AND quarantine_s >= 0", name="waits"),
    sa.CheckConstraint(
        "least(calls_per_hour, calls_per_day, collector_calls_per_hour, collector_calls_per_day) > 0", name="call_limits"
    ),
    sa.Index("uq_infinity_configs_name", "tenant_id", "name", unique=True, postgresql_where=sa.text("deleted_at IS NULL")),
    sa.Index("uq_infinity_configs_enabled", "tenant_id", unique=True, postgresql_where=sa.text("enabled")),
    sa.Index("uq_infinity_configs_callback_path", "callback_path_digest", unique=True),
)


class _Collectors(Columns):
    tenant_id = sa.Column(sa.BigInteger, primary_key=True)
    id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    name = sa.Column(sa.Text, nullable=False, server_default="")
    callback_number_sealed = sa.Column(sa.LargeBinary, nullable=False)
    callback_number_masked = sa.Column(sa.Text, nullable=False)
    active = sa.Column(sa.Boolean, nullable=False, server_default="true")
    extension_id = sa.Column(sa.BigInteger, comment="the extension used last")
    fence = sa.Column(sa.BigInteger, nullable=False, server_default="0", comment="token of the last allocation")
    created_at = sa.Column(Instant, nullable=False)
    updated_at = sa.Column(Instant, nullable=False)


collectors = sa.Table(
    "collectors",
    metadata,
    _Collectors,
    postgresql_with={"fillfactor": 50},
)
