"""Which call of a batch is made in which hour. Pure: numbers in, numbers out, the same for the same seed.

A share of the calls explores: its hours are drawn at random in proportion to what fits into them. Every other call draws a
chance for each hour from what is known of it (Thompson), and gets the hour of its highest draw that has room. What does not
fit into the hours at all keeps no hour and is called as soon as the rate allows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calling_pipeline import days
from calling_pipeline.call_batches.calling_tasks.best_time.records import Rates, Slot
from calling_pipeline.contact_policy import hours
from calling_pipeline.contact_policy.records import Policy

Array = np.ndarray[Any, np.dtype[Any]]

LONGEST = dt.timedelta(days=7)
EXPLORING, ORDERED, NO_ARM = 0, 1, -1


@dataclass(frozen=True)
class Places:
    """For each call its arm (`EXPLORING`, `ORDERED`, `NO_ARM`) and the position of its slot, -1 without one."""

    arms: Array
    slots: Array


def slots_of(policy: Policy, now: dt.datetime, expires_at: dt.datetime | None) -> list[Slot]:
    """The hours in which a batch that is planned now may call: up to its expiry, else to the end of its first open day."""
    opens = hours.next_open(policy, now)
    if opens is None:
        return []
    until = days.day_bounds(days.day_of(opens))[1] if expires_at is None else min(expires_at, now + LONGEST)
    found = []
    for day in days.day_range(days.day_of(opens), max(days.day_of(opens), days.day_of(until))):
        for start, end in hours.open_on(policy, day):
            found += _by_hour(max(start, now), min(end, until))
    return found


def _by_hour(start: dt.datetime, end: dt.datetime) -> list[Slot]:
    found = []
    while start < end:
        local = start.astimezone(days.SHANGHAI)
        next_hour = local.replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
        stop = min(next_hour, end)
        found.append(Slot(start, (stop - start).total_seconds(), local.isoweekday(), local.hour))
        start = stop
    return found


def order(
    provinces: Sequence[str], slots: Sequence[Slot], capacities: Sequence[int], rates: Rates, explore: float, seed: int
) -> Places:
    """A place for each call, whose provinces are given in the batch's order. `capacities`: calls that fit into each slot."""
    draw = np.random.default_rng(seed)
    count, room = len(provinces), np.asarray(capacities, dtype=np.int64)
    arms, places = np.full(count, NO_ARM), np.full(count, -1)
    shuffled = draw.permutation(count)[: int(room.sum())]
    exploring = shuffled[: int(np.floor(explore * len(shuffled) + draw.random()))]
    taken = draw.multivariate_hypergeometric(room, len(exploring)) if len(exploring) else np.zeros_like(room)
    arms[exploring], places[exploring] = EXPLORING, draw.permutation(np.repeat(np.arange(len(room)), taken))
    rest = np.sort(shuffled[len(exploring) :])
    if len(rest):
        names, known = np.unique(np.asarray(provinces, dtype=object)[rest].astype(str), return_inverse=True)
        beta = np.asarray([[rates.of(slot.weekday, slot.hour, str(name)) for slot in slots] for name in names])[known]
        arms[rest], places[rest] = ORDERED, assign(draw.beta(beta[..., 0], beta[..., 1]), room - taken)
    return Places(arms, places)


def assign(values: Array, room: Array) -> Array:
    """For each row the column of its highest value, at most `room` rows a column: who would lose most goes first.

    Every row gets one place, as there is room for all of them.
    """
    left, places = np.array(room), np.full(len(values), -1)
    waiting = np.arange(len(values))
    while waiting.size:
        wishes = np.where(left > 0, values[waiting], -np.inf)
        best = wishes.argmax(axis=1)
        top = wishes[np.arange(len(best)), best]
        wishes[np.arange(len(best)), best] = -np.inf
        loss = top - wishes.max(axis=1)
        for slot in np.unique(best):
            asking = np.flatnonzero(best == slot)
            chosen = asking[np.argsort(-loss[asking], kind="stable")[: left[slot]]]
            places[waiting[chosen]] = slot
            left[slot] -= len(chosen)
        waiting = waiting[places[waiting] < 0]
    return places
