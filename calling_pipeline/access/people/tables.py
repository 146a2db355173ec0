"""The people who may act."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from calling_pipeline.database.tables import Columns, Instant, metadata


class PeopleColumns(Columns):
    """One row per person. A person is disabled, never deleted: the audit log names them."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    name = sa.Column(sa.Text, nullable=False, comment="unique whatever its letters' case")
    role = sa.Column(sa.Text, nullable=False)
    tenant_id = sa.Column(sa.BigInteger, comment="empty: every tenant")
    collector_id = sa.Column(sa.BigInteger, comment="acts as this collector only; empty: bound to none")
    grants: sa.Column[Any] = sa.Column(
        postgresql.ARRAY(sa.Text), nullable=False, server_default="{}", comment="rooms without tenants open all the same"
    )
    language = sa.Column(sa.Text, nullable=False, server_default="zh")
    active = sa.Column(sa.Boolean, nullable=False, server_default=sa.true())
    password_hash = sa.Column(sa.Text, comment="argon2id; empty: no login by password")
    created_at = sa.Column(Instant, nullable=False)


people = sa.Table(
    "people",
    metadata,
    PeopleColumns,
    sa.CheckConstraint("role IN ('viewer', 'collector', 'operator', 'admin')", name="role"),
    sa.CheckConstraint("language IN ('zh', 'en')", name="language"),
    sa.CheckConstraint("name <> '' AND name = btrim(name)", name="name"),
    sa.CheckConstraint("collector_id IS NULL OR tenant_id IS NOT NULL", name="collector_of_a_tenant"),
    sa.Index("uq_people_name", sa.text("lower(name)"), unique=True),
    comment="The people who may act, and what they may do",
)
