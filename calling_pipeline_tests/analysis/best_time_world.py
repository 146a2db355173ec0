"""A world in numbers: batches ordered by what was learned so far, answered by true rates that only the judge may read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from calling_pipeline import days
from calling_pipeline.analysis.best_time.estimating import estimate
from calling_pipeline.analysis.best_time.judging import Stratum, look, look_due
from calling_pipeline.call_batches.calling_tasks.best_time.records import Rates, Slot
from calling_pipeline.call_batches.planning.ordering import EXPLORING, ORDERED, assign, order
from calling_pipeline.simulator.true_rates import PLACES, TrueRates
from calling_pipeline.simulator.world import World

PROVINCES = sorted({province for province, _ in PLACES})
FIRST = dt.date(2026, 9, 7)
OPENS, CLOSES = 8, 21
SETTLED_DAYS = 1


@dataclass
class Campaign:
    """What a campaign of one batch per day brought: `gain` of `perfect` (both in calls answered beyond chance)."""

    gain: float = 0.0
    perfect: float = 0.0
    off_on: int | None = None
    strata: list[Stratum] = field(default_factory=list)

    @property
    def share(self) -> float:
        """How much of what perfect knowledge would gain was gained."""
        return self.gain / self.perfect if self.perfect else 0.0


def play(*, seed: int, effect: float, length: int = 56, calls: int = 2000, explore: float = 0.2, room: int = 4) -> Campaign:
    """A campaign of `length` days, one batch of `calls` each; into an hour fits `room` times an even spread."""
    rates, draw = TrueRates(World(seed=seed, hour_effect=effect)), np.random.default_rng(seed)
    true = np.asarray([[[rates.connected(w, h, p) for p in PROVINCES] for h in range(24)] for w in range(7)])
    made, answered = np.zeros_like(true), np.zeros_like(true)
    campaign, known, looked = Campaign(), Rates(), None
    proven_until: dt.date | None = None
    for number in range(length):
        day = FIRST + dt.timedelta(days=number)
        weekday = day.weekday()
        slots = [
            Slot(dt.datetime.combine(day, dt.time(hour), days.SHANGHAI), 3600.0, weekday + 1, hour)
            for hour in range(OPENS, CLOSES)
        ]
        who = draw.integers(len(PROVINCES), size=calls)
        capacity = [room * calls // len(slots)] * len(slots)
        chances = true[weekday, OPENS:CLOSES][:, who].T  # calls × slots
        chance_level, best = chances.mean(1), assign(chances, np.asarray(capacity))
        campaign.perfect += float((chances[np.arange(calls), best] - chance_level).sum())
        if campaign.off_on is not None:
            continue
        places = order([PROVINCES[one] for one in who], slots, capacity, known, explore, seed * 1000 + number)
        chance = chances[np.arange(calls), places.slots]
        campaign.gain += float((chance - chance_level).sum())
        success = draw.random(calls) < chance
        cells = (np.full(calls, weekday), places.slots + OPENS, who)
        np.add.at(made, cells, 1)
        np.add.at(answered, cells, success)
        arms = [places.arms == EXPLORING, places.arms == ORDERED]
        campaign.strata.append(
            Stratum(day, int(arms[1].sum()), int(success[arms[1]].sum()), int(arms[0].sum()), int(success[arms[0]].sum()))
        )
        known = learned(made, answered)
        tomorrow = day + dt.timedelta(days=SETTLED_DAYS)
        if look_due(tomorrow, FIRST, looked):
            seen = look(campaign.strata, tomorrow, FIRST, proven_until)
            looked, proven_until = tomorrow, seen.proven_until
            if seen.verdict == "off":
                campaign.off_on = number + SETTLED_DAYS
    return campaign


def learned(made: np.ndarray, answered: np.ndarray) -> Rates:
    """What the product's own estimation says of these counts, as the planner reads it."""
    found = estimate(made, answered)
    alpha, beta = found.alpha.tolist(), found.beta.tolist()
    return Rates(
        {
            (weekday + 1, hour, province): (alpha[weekday][hour][place], beta[weekday][hour][place])
            for weekday in range(7)
            for hour in range(OPENS, CLOSES)
            for place, province in enumerate([*PROVINCES, ""])
        }
    )
