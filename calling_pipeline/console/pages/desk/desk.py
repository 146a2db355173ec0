"""`/desk`: a collector's own page. Their list, the call button, what the line is doing, the result after the call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.console.pages.desk.typed import Choice, Turn, day_and_time
from calling_pipeline.console.telephony import line_looks_of, telephony_of
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import Conflict
from calling_pipeline.telephony.desk import calling, states, views
from calling_pipeline.telephony.desk.cases.records import RESULTS, CallResult, Case
from calling_pipeline.telephony.desk.records import DeskCall, Seat
from calling_pipeline.telephony.desk.views import DeskView
from calling_pipeline.telephony.records import Collector
from calling_pipeline.telephony.tenants import collectors

router = APIRouter(tags=["desk"])
AtDesk = Annotated[View, Depends(viewing("collector", "telephony", own=True))]
_LISTED = 50
_USUAL: dict[str, CallResult] = {"busy": "busy", "not_connected": "no_answer", "cancelled": "no_answer"}
_TONES = {
    "free": "quiet",
    "starting": "busy",
    "ringing": "busy",
    "talking": "good",
    "ended": "quiet",
    "unknown": "warn",
    "refused": "bad",
    "failed": "bad",
}
_QUICK_S, _SLOW_S = 2, 10


@dataclass(frozen=True)
class Shown:
    """What the templates of the desk compute nothing of themselves for."""

    view: DeskView
    chosen: int | None

    @property
    def call(self) -> DeskCall | None:
        """The last press of the button."""
        return self.view.state.call

    @property
    def tone(self) -> str:
        """The colour of the line's state."""
        return _TONES[self.view.state.line]

    @property
    def refreshes_s(self) -> int:
        """How often the page looks again."""
        return _SLOW_S if self.view.state.over and self.view.state.desk.batch != "running" else _QUICK_S

    @property
    def seconds_left(self) -> int:
        """Until the round goes on."""
        return views.seconds_until(self.view.state, days.now())

    @property
    def wants_result(self) -> bool:
        """Whether the form for the result is shown: the call was made, or may have been."""
        return self.call is not None and self.call.outcome in ("ringing", "unknown")

    @property
    def result(self) -> str:
        """What the form for the result begins with."""
        if self.call is None:
            return ""
        return self.call.result or _USUAL.get(self.call.state or "") or ""

    @property
    def lasted_s(self) -> float | None:
        """Seconds since the call was begun, while it is under way; its duration afterwards."""
        if self.call is None or self.call.outcome not in ("ringing", "unknown"):
            return None
        if self.view.state.over:
            return self.call.duration_s
        return max(0.0, (days.now() - self.call.intended_at).total_seconds())


@router.get("/desk")
async def desk(view: AtDesk, case: Annotated[int | None, Choice] = None) -> Response:
    """The desk of whoever asks. A person who is no collector is shown how to become one."""
    if view.caller.collector is None or view.caller.tenant is None:
        return view.page("desk/nobody.html")
    seat = _seat(view)
    shown = await _shown(view, seat, case)
    listed, history, who = await run_in_threadpool(_around, view, seat, shown)
    return view.page("desk/desk.html", shown=shown, cases=listed, history=history, who=who, results=tuple(RESULTS))


@router.get("/desk/live")
async def live(view: AtDesk, case: Annotated[int | None, Choice] = None) -> Response:
    """The part of the desk that refreshes itself."""
    return view.page("desk/live.html", shown=await _shown(view, _seat(view), case))


@router.get("/desk/earlier")
async def earlier(view: AtDesk, case: Annotated[int | None, Choice] = None) -> Response:
    """The earlier calls of the chosen case, which a call that ended joins."""
    shown = await _shown(view, _seat(view), case)
    history = await run_in_threadpool(_earlier, view, shown)
    return view.page("desk/earlier_live.html", shown=shown, history=history)


@router.post("/desk/call")
async def call(view: AtDesk, turn: Turn, case: Annotated[int, Form(ge=1, le=2**63 - 1)]) -> Response:
    """Press the call button for a case."""
    pressed = await calling.call_case(telephony_of(view), _seat(view), turn, case, who=view.caller.name)
    return _answered(view, pressed)


@router.post("/desk/dial")
async def dial(
    view: AtDesk,
    turn: Turn,
    phone: Annotated[str, Form(max_length=100)],
    customer_name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Call a number typed by hand; it becomes a case of the list."""
    deps, who = telephony_of(view), view.caller.name
    return _answered(view, await calling.call_number(deps, _seat(view), turn, phone, customer_name, who=who))


@router.post("/desk/next")
async def next_call(view: AtDesk, turn: Turn, now: Annotated[bool, Form()] = False) -> Response:
    """Call the next of the round: by itself when it is due, or `now`."""
    deps, who = telephony_of(view), view.caller.name
    return _answered(view, await calling.call_next(deps, _seat(view), turn, by_hand=now, who=who))


@router.post("/desk/round")
def change_round(
    view: AtDesk,
    turn: Turn,
    order: Annotated[calling.Order, Form()],
    pause_s: Annotated[int | None, Form(ge=0, le=calling.LONGEST_PAUSE_S)] = None,
) -> Response:
    """Start, pause, resume or stop the round through the list."""
    with view.transaction() as connection:
        calling.order(connection, _seat(view), turn, order, pause_s=pause_s, who=view.caller.name)
    return view.done(f"desk.done_{order}", back="/desk")


@router.post("/desk/result")
def result(
    view: AtDesk,
    call: Annotated[int, Form(ge=1, le=2**63 - 1)],
    result: Annotated[CallResult, Form()],
    remark: Annotated[str, Form(max_length=2000)] = "",
    ends: Annotated[str, Form(pattern="^(yes|no)?$")] = "",
    next_call_at: Annotated[str, Form(max_length=30)] = "",
) -> Response:
    """Keep what came of a call."""
    with view.transaction() as connection:
        calling.conclude(
            connection,
            _seat(view),
            call,
            result=result,
            remark=remark,
            done=None if ends == "" else ends == "yes",
            next_call_at=day_and_time(next_call_at, field="next_call_at"),
            who=view.caller.name,
        )
    return view.done("desk.done_result", back="/desk")


def _seat(view: View) -> Seat:
    caller = view.caller
    if caller.tenant is None or caller.collector is None:
        raise Conflict("only a person who is bound to a collector has a desk; an admin can bind you")
    return Seat(caller.tenant, caller.collector)


async def _shown(view: View, seat: Seat, chosen: int | None) -> Shown:
    found = await run_in_threadpool(_read, view, seat, chosen)
    if found.state.line == "ringing" and found.state.call is not None:
        talking = await line_looks_of(view).talking(telephony_of(view), found.state.call)
        found = replace(found, state=states.state_of(found.state.desk, found.state.call, talking=talking))
    return Shown(found, chosen)


def _read(view: View, seat: Seat, chosen: int | None) -> DeskView:
    with view.transaction() as connection:
        return views.view(connection, seat, chosen=chosen)


def _around(view: View, seat: Seat, shown: Shown) -> tuple[list[Case], list[DeskCall], Collector]:
    with view.transaction() as connection:
        who = collectors.find(connection, seat.tenant_id, seat.collector_id)
        listed = views.cases_of(connection, seat, limit=_LISTED)
    return listed, _earlier(view, shown), who


def _earlier(view: View, shown: Shown) -> list[DeskCall]:
    if shown.view.case is None:
        return []
    with view.transaction() as connection:
        return views.calls_of(connection, shown.view.case)


def _answered(view: View, pressed: DeskCall) -> Response:
    """The desk again; what became of the press stands on it."""
    return view.done(f"desk.done_call_{pressed.outcome}", back="/desk")
