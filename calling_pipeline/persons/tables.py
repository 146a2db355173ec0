"""The table of certificates."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from calling_pipeline.database.tables import Columns, Instant, metadata


class PersonCertificateColumns(Columns):
    """Columns of `person_certificates`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    token = sa.Column(sa.Text(collation="C"), nullable=False, comment="what stands in the number's place")
    made_at = sa.Column(Instant, nullable=False)
    made_by = sa.Column(sa.Text, nullable=False)
    document = sa.Column(JSONB, nullable=False, comment="what was erased where, what is kept and why")
    digest = sa.Column(sa.Text, nullable=False, comment="SHA-256 of the document")


person_certificates = sa.Table(
    "person_certificates",
    metadata,
    PersonCertificateColumns,
    sa.Index("ix_person_certificates_token", "token"),
    comment="Proof of each erasure; rows are only ever added",
)
