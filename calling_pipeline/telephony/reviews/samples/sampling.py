"""Draws samples of calls for review, each once: the same wish gives the same calls."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.telephony.reviews.samples import store
from calling_pipeline.telephony.reviews.samples.records import Sample, Wish

MOST_PER_COLLECTOR = 1000
LONGEST_DAYS = 92
HIGHEST_SEED = 2**31 - 1


def draw_sample(connection: sa.Connection, wish: Wish, *, who: str) -> Sample:
    """The sample of a wish, drawn now or before. Raises `InvalidInput`; a sample without a call is refused too."""
    _check(wish)
    made = store.add(connection, wish, by=who, now=days.now())
    if made is None:
        return find(connection, store.same(connection, wish))
    drawn = store.draw(connection, made, wish)
    if not drawn:
        raise InvalidInput("there is no connected call in these days to draw from; choose other days", field="first")
    after = {**asdict(wish), "first": wish.first.isoformat(), "last": wish.last.isoformat(), "calls": drawn}
    note_act(connection, "sample.draw", f"sample:{made}", by=who, tenant_id=wish.tenant_id, after=after)
    return find(connection, made)


def find(connection: sa.Connection, sample_id: int) -> Sample:
    """One sample. Raises `NotFound`."""
    found = store.find(connection, sample_id)
    if found is None:
        raise NotFound("there is no such sample")
    return found


def _check(wish: Wish) -> None:
    if wish.last < wish.first:
        raise InvalidInput("the last day is before the first", field="last")
    if wish.last >= days.today():
        raise InvalidInput("a sample is drawn from days that are over; choose yesterday or before", field="last")
    if (wish.last - wish.first).days >= LONGEST_DAYS:
        raise InvalidInput(f"a sample is of {LONGEST_DAYS} days at most", field="first")
    if not 1 <= wish.per_collector <= MOST_PER_COLLECTOR:
        raise InvalidInput(f"per_collector is a number from 1 to {MOST_PER_COLLECTOR}", field="per_collector")
    if not 0 <= wish.second_pct <= 100:
        raise InvalidInput("second_pct is a share from 0 to 100 percent", field="second_pct")
    if not 0 <= wish.seed <= HIGHEST_SEED:
        raise InvalidInput(f"seed is a number from 0 to {HIGHEST_SEED}", field="seed")
