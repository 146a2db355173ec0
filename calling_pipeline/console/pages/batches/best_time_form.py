"""The best time to call in the form of a calling task: a goal or none, the exploring share in percent, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from calling_pipeline.analysis.best_time import store
from calling_pipeline.analysis.best_time.judging import VALID_DAYS
from calling_pipeline.analysis.best_time.store import State
from calling_pipeline.call_batches.calling_tasks.best_time.records import GOALS, LEAST_EXPLORE, MOST_EXPLORE, USUAL_EXPLORE
from calling_pipeline.call_batches.calling_tasks.records import CallingTask
from calling_pipeline.errors import InvalidInput

GOAL, EXPLORE = FIELDS = ("best_time_goal", "best_time_explore")


@dataclass(frozen=True)
class Shown:
    """What the form says beside the fields. `state`: None where the task never ordered by hour. Shares are in percent."""

    href: str
    state: State | None
    least: float = 100 * LEAST_EXPLORE
    most: float = 100 * MOST_EXPLORE
    valid_days: int = VALID_DAYS
    goals: tuple[str, ...] = GOALS


def shown(connection: sa.Connection, task: CallingTask | None) -> Shown:
    """How the best time of a saved task stands, and its page; of a new one neither."""
    if task is None:
        return Shown("", None)
    state = store.state(connection, task.id)
    return Shown(f"/analysis/best_time?{urlencode({'task': task.name})}" if state else "", state)


def typed_of(task: CallingTask) -> dict[str, str]:
    """The wish of a saved task as the texts of the form."""
    wanted = task.best_time
    if wanted is None:
        return {GOAL: "", EXPLORE: _percent(USUAL_EXPLORE)}
    return {GOAL: wanted.goal, EXPLORE: _percent(wanted.explore)}


def wish_of(typed: Mapping[str, str]) -> dict[str, Any] | None:
    """What was typed, as the document of the wish; None without a goal. Raises `InvalidInput` naming the field."""
    goal, share = typed.get(GOAL, "").strip(), typed.get(EXPLORE, "").strip()
    if not goal:
        return None
    try:
        return {"goal": goal, "explore": round(float(share) / 100, 4) if share else USUAL_EXPLORE}
    except ValueError:
        raise InvalidInput(
            "the exploring share of best_time is a number of percent, such as 20", field="best_time"
        ) from None


def _percent(share: float) -> str:
    return f"{100 * share:g}"
