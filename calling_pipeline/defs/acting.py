"""Who acts in a run: the person who launched it, else what started it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from calling_pipeline.access.audit.door import through

PERSON_TAG = "calling/person"
"""Who started a run or backfill in the Dagster UI; our storage of runs writes it."""
_STARTERS = {"dagster/schedule_name": "schedule", "dagster/sensor_name": "sensor", "dagster/backfill": "backfill"}


def who(run: dg.DagsterRun) -> str:
    """The person of the run's tag; without one its schedule, sensor or backfill, and the beginning of its id."""
    person = run.tags.get(PERSON_TAG)
    if person:
        return person
    short = f"run {run.run_id[:8]}"
    started = [f"{kind} {run.tags[tag]}" for tag, kind in _STARTERS.items() if tag in run.tags]
    return f"{started[0]}, {short}" if started else short


@contextmanager
def acting(run: dg.DagsterRun) -> Iterator[str]:
    """Within the block work comes through Dagster; yields who acts."""
    with through("dagster"):
        yield who(run)
