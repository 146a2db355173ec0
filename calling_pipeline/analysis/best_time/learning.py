"""Each night: what the calls of each task say of hours, and whether ordering by them is any better."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.analysis.best_time import store
from calling_pipeline.analysis.best_time.estimating import Array, Estimate, estimate
from calling_pipeline.analysis.best_time.judging import VALID_DAYS, WINDOW_DAYS, Look, look, look_due
from calling_pipeline.analysis.best_time.store import Cell
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calling_tasks.best_time import alerting
from calling_pipeline.call_batches.calling_tasks.best_time.records import UNKNOWN_PROVINCE, BestTime
from calling_pipeline.call_batches.calling_tasks.records import CallingTask

MEMORY_DAYS = 90
"""Older calls say nothing about hours any more."""
CENTRE_CALLS = 1000.0
"""All calls of the centre together count as this many of the task's own: something to begin with, soon outweighed."""
SETTLED_DAYS = 2
"""A batch is judged from this many days after its own: by then its calls have their records."""


@dataclass(frozen=True)
class Learned:
    """What was learned about one calling task; `look`: the look of this night, None when none was due."""

    task: str
    calls: int
    rate: float
    look: Look | None
    off: bool


def learn(connection: sa.Connection, *, by: str = "") -> list[Learned]:
    """Learn for every calling task that orders by hour, and judge those whose look is due."""
    today = days.today()
    store.keep_segments(connection, today - dt.timedelta(days=MEMORY_DAYS))
    found = [(task, task.best_time) for task in task_store.all_tasks(connection)]
    return [_learn(connection, task, wanted, today, by=by) for task, wanted in found if wanted is not None]


def _learn(connection: sa.Connection, task: CallingTask, wanted: BestTime, today: dt.date, *, by: str) -> Learned:
    first = today - dt.timedelta(days=MEMORY_DAYS)
    own, centre = store.cells(connection, task.id, wanted, first), store.centre(connection, wanted, first)
    provinces = sorted({cell[2] for cell in (*own, *centre)} - {UNKNOWN_PROVINCE})
    counted, around = _counted(own, provinces), _counted(centre, provinces)
    share = min(1.0, CENTRE_CALLS / max(1.0, float(around[0].sum())))
    known = estimate(counted[0] + share * around[0], counted[1] + share * around[1])
    store.keep_rates(connection, task.id, _rows(task.id, known, provinces, counted))
    store.note_learned(connection, task.id, days.now())
    seen = _look(connection, task, wanted, today)
    if seen is not None and seen.verdict == "off":
        _switch_off(connection, task, wanted, seen, by=by)
    return Learned(task.name, int(counted[0].sum()), known.rate, seen, seen is not None and seen.verdict == "off")


def _look(connection: sa.Connection, task: CallingTask, wanted: BestTime, today: dt.date) -> Look | None:
    stands = store.state(connection, task.id)
    if stands is None:
        return None
    first = max(stands.since, today - dt.timedelta(days=WINDOW_DAYS + SETTLED_DAYS))
    store.keep_batches(connection, task.id, wanted, first, today - dt.timedelta(days=SETTLED_DAYS))
    if not look_due(today, stands.since, stands.looked_on):
        return None
    seen = look(store.strata(connection, task.id, first, today), today, stands.since, stands.proven_until)
    store.keep_look(connection, task.id, seen)
    return seen


def _switch_off(connection: sa.Connection, task: CallingTask, wanted: BestTime, seen: Look, *, by: str) -> None:
    """The program's own act, with its reason; a person may switch it on again, and it begins anew."""
    found = seen.measured
    measured = (
        f"uplift {100 * found.uplift:+.1f} points, 95 % from {100 * (found.low or 0):+.1f} to {100 * (found.high or 0):+.1f}"
        if found.uplift is not None
        else "no uplift could be measured"
    )
    reason = (
        f"not shown to be better within {VALID_DAYS} days: {measured}"
        f" ({found.ordered} ordered, {found.exploring} exploring calls)"
    )
    store.switch_off(connection, task.id, reason, days.now())
    alerting.switched_itself_off(connection, task, reason)
    subject, before = f"calling_task:{task.name}", {"best_time": wanted.document}
    note_act(connection, "best_time.off", subject, by=by, reason=reason, before=before, after={"best_time": None})


def _counted(cells: Sequence[Cell], provinces: Sequence[str]) -> tuple[Array, Array]:
    """Calls and successes as [weekday, hour, province]; calls whose province is unknown say nothing."""
    shape = (7, 24, max(1, len(provinces)))
    calls, successes = np.zeros(shape), np.zeros(shape)
    places = {province: place for place, province in enumerate(provinces)}
    for weekday, hour, province, made, won in cells:
        if province in places:
            calls[weekday - 1, hour, places[province]] += made
            successes[weekday - 1, hour, places[province]] += won
    return calls, successes


def _rows(
    calling_task_id: int, known: Estimate, provinces: Sequence[str], counted: tuple[Array, Array]
) -> list[dict[str, Any]]:
    """The rows of `best_time_rates`: every cell, and each hour of any province."""
    if not provinces:
        return []
    calls, successes = (np.concatenate([one, one.sum(2, keepdims=True)], 2) for one in counted)
    return [
        {
            "calling_task_id": calling_task_id,
            "weekday": weekday + 1,
            "hour": hour,
            "province": province,
            "calls": int(calls[weekday, hour, place]),
            "successes": int(successes[weekday, hour, place]),
            "alpha": float(known.alpha[weekday, hour, place]),
            "beta": float(known.beta[weekday, hour, place]),
        }
        for weekday in range(7)
        for hour in range(24)
        for place, province in enumerate([*provinces, UNKNOWN_PROVINCE])
    ]
