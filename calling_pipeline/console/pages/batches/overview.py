"""`/batches`: the batches as cards; those that want something first, then the others, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.records import BatchState
from calling_pipeline.console.lists.asked import Asked, asked
from calling_pipeline.console.pages.batches.gathering import Card, cards
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput

router = APIRouter()
Viewer = Annotated[View, Depends(viewing("viewer", "batches"))]
STATES: tuple[str, ...] = get_args(BatchState)
PER_PAGE = 12
MOST_OPEN = 30
LIVE_S = 5


@dataclass(frozen=True)
class Open:
    """The batches that are not over or have unknown calls, newest first, and how many there are beyond those shown."""

    cards: Sequence[Card]
    more: int

    @property
    def unknown(self) -> int:
        """Calls that a person has to settle."""
        return sum(card.unknown for card in self.cards)


@dataclass(frozen=True)
class Filter:
    """What the list is narrowed to."""

    state: str | None
    task: str | None
    day: Any

    @property
    def is_empty(self) -> bool:
        """Whether nothing narrows it."""
        return not (self.state or self.task or self.day)


@router.get("/batches")
def batches(view: Viewer) -> Response:
    """The batches. `state`, `task` and `day` narrow them."""
    wanted = asked(view.request)
    chosen = _filter(wanted)
    with view.transaction() as connection:
        waiting = _open(view, connection) if chosen.is_empty else None
        left_out = [card.id for card in waiting.cards] if waiting is not None else []
        found = batch_store.latest_batches(
            connection,
            task=chosen.task,
            day=chosen.day,
            state=chosen.state,
            without=left_out,
            limit=PER_PAGE + 1,
            offset=(wanted.page - 1) * PER_PAGE,
        )
        shown = cards(view, connection, found[:PER_PAGE])
        tasks = [task.name for task in task_store.all_tasks(connection)]
    return view.page(
        "batches/batches.html",
        waiting=waiting,
        cards=shown,
        asked=wanted,
        more=len(found) > PER_PAGE,
        chosen=chosen,
        task_choices=[("", view.t("batches.any")), *((name, name) for name in tasks)],
        state_choices=[("", view.t("batches.any")), *((state, view.t(f"batches.state_{state}")) for state in STATES)],
        live_s=LIVE_S,
    )


@router.get("/batches/live")
def live(view: Viewer) -> Response:
    """The part of the batches that want something, as it is now; read once for all who look."""

    def read() -> Open:
        with view.transaction() as connection:
            return _open(view, connection)

    return view.page("batches/open_live.html", waiting=view.shared("open batches", LIVE_S - 1, read), live_s=LIVE_S)


def _open(view: View, connection: Any) -> Open:
    newest, total = batch_store.wanting(connection, MOST_OPEN)
    return Open(cards(view, connection, newest), total - len(newest))


def _filter(wanted: Asked) -> Filter:
    state, day = wanted.filters.get("state"), wanted.filters.get("day")
    if state is not None and state not in STATES:
        raise InvalidInput(f"there is no state {state[:20]!r} of a batch; there are: {', '.join(STATES)}", field="state")
    return Filter(state, wanted.filters.get("task"), days.parse_day(day, field="day") if day else None)
