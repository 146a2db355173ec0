"""The tables of samples for review: what was drawn, from how many, and with which probability."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.tables import Columns, Instant, metadata


class _QualitySamplesColumns(Columns):
    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    tenant_id = sa.Column(sa.BigInteger, nullable=False)
    first = sa.Column(sa.Date, nullable=False)
    last = sa.Column(sa.Date, nullable=False)
    per_collector = sa.Column(sa.Integer, nullable=False, comment="calls drawn of each collector, or all they have")
    second_pct = sa.Column(sa.Integer, nullable=False, comment="the share that a second reviewer scores too, in percent")
    seed = sa.Column(sa.BigInteger, nullable=False)
    made_at = sa.Column(Instant, nullable=False)
    made_by = sa.Column(sa.Text, nullable=False)


quality_samples = sa.Table(
    "quality_samples",
    metadata,
    _QualitySamplesColumns,
    sa.UniqueConstraint(
        "tenant_id", "first", "last", "per_collector", "second_pct", "seed", name="uq_quality_samples_drawn"
    ),
    sa.CheckConstraint("first <= last AND per_collector BETWEEN 1 AND 1000", name="range"),
    sa.CheckConstraint("second_pct BETWEEN 0 AND 100", name="second_pct"),
    comment="Samples of connected calls for review, each drawn once",
)


class _QualitySampleCallsColumns(Columns):
    sample_id = sa.Column(sa.BigInteger, sa.ForeignKey("quality_samples.id"), primary_key=True, autoincrement=False)
    record_id = sa.Column(sa.BigInteger, sa.ForeignKey("communication_records.id"), primary_key=True, autoincrement=False)
    collector_id = sa.Column(sa.BigInteger, nullable=False)
    place = sa.Column(sa.Integer, nullable=False, comment="the order in which the collector's calls were drawn")
    population = sa.Column(sa.Integer, nullable=False, comment="connected calls of the collector in the period")
    probability = sa.Column(sa.Double, nullable=False, comment="with which each of them was drawn")
    second = sa.Column(sa.Boolean, nullable=False, comment="a second reviewer is wanted")


quality_sample_calls = sa.Table(
    "quality_sample_calls",
    metadata,
    _QualitySampleCallsColumns,
    sa.Index("ix_quality_sample_calls_record", "record_id"),
    sa.CheckConstraint("probability > 0 AND probability <= 1", name="probability"),
    comment="The calls of a sample with the probability of each",
)
