"""SQL of samples for review. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from calling_pipeline import days
from calling_pipeline.database.sql import load
from calling_pipeline.telephony.reviews.samples.records import Sample, SampledCall, Wish
from calling_pipeline.telephony.reviews.samples.tables import quality_samples

_DRAW = load("telephony/reviews/samples/draw")
_CALLS = load("telephony/reviews/samples/calls")
_SAMPLES = load("telephony/reviews/samples/samples")
_sample = quality_samples.c


def add(connection: sa.Connection, wish: Wish, *, by: str, now: dt.datetime) -> int | None:
    """The id of a new sample, whose calls are not drawn yet; None: there is this sample already."""
    values = {**asdict(wish), "made_at": now, "made_by": by}
    statement = insert(quality_samples).values(**values).on_conflict_do_nothing(constraint="uq_quality_samples_drawn")
    return connection.execute(statement.returning(_sample.id)).scalar_one_or_none()


def draw(connection: sa.Connection, sample_id: int, wish: Wish) -> int:
    """Draw the calls of a new sample; how many they are."""
    begin, end = days.day_bounds(wish.first)[0], days.day_bounds(wish.last)[1]
    return connection.execute(_DRAW, {**asdict(wish), "sample_id": sample_id, "begin": begin, "until": end}).rowcount


def same(connection: sa.Connection, wish: Wish) -> int:
    """The id of the sample that was drawn for this wish."""
    query = sa.select(_sample.id).where(*(_sample[name] == value for name, value in asdict(wish).items()))
    return int(connection.execute(query).scalar_one())


def page(
    connection: sa.Connection,
    *,
    tenant_id: int | None,
    first: dt.date | None = None,
    last: dt.date | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Sequence[Sample]:
    """Samples, the newest first; of one tenant, or whose days lie from `first` to `last`."""
    values = {"tenant_id": tenant_id, "sample_id": None, "first": first, "last": last, "limit": limit, "offset": offset}
    return [Sample(**row) for row in connection.execute(_SAMPLES, values).mappings()]


def count(connection: sa.Connection, *, tenant_id: int | None) -> int:
    """How many samples there are."""
    query = sa.select(sa.func.count()).select_from(quality_samples)
    if tenant_id is not None:
        query = query.where(_sample.tenant_id == tenant_id)
    return int(connection.execute(query).scalar_one())


def find(connection: sa.Connection, sample_id: int) -> Sample | None:
    """One sample."""
    values = {"tenant_id": None, "sample_id": sample_id, "first": None, "last": None, "limit": 1, "offset": 0}
    row = connection.execute(_SAMPLES, values).mappings().one_or_none()
    return Sample(**row) if row is not None else None


def calls(connection: sa.Connection, sample_id: int) -> Sequence[SampledCall]:
    """The calls of a sample, the first drawn of each collector first."""
    return [SampledCall(**row) for row in connection.execute(_CALLS, {"sample_id": sample_id}).mappings()]
