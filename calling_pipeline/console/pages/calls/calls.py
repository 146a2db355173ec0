"""`/telephony/calls`: every call of the last days, by state, collector, extension, recording and review."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_args

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, Sentence, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.desk.typed import number_in
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.calls.listing import store
from calling_pipeline.telephony.calls.listing.records import CallFilter, ListedCall
from calling_pipeline.telephony.calls.recordings.records import RECORDING_STATES, RecordingState
from calling_pipeline.telephony.records import CallState

router = APIRouter(tags=["calls"])
OwnViewer = Annotated[View, Depends(viewing("viewer", "telephony", own=True))]
Value = TypeVar("Value", bound=str)
SHOWN_DAYS = 7
STATES: tuple[CallState, ...] = get_args(CallState)
TONES: Mapping[str, str] = {
    "initiating": "busy",
    "ringing": "busy",
    "connected": "good",
    "failed": "bad",
    "unknown": "warn",
}
RECORDING_TONES: Mapping[str, str] = {"kept": "good", "wanted": "busy", "expired": "bad", "refused": "bad"}


def _reason(call: ListedCall) -> Any:
    return Sentence(call.failure) if call.failure else call.contact_result or None


def _recording(call: ListedCall) -> State | None:
    state: RecordingState | None = call.recording
    return None if state is None else State(f"calls.recording_{state}", RECORDING_TONES.get(state, "quiet"))


COLUMNS: Sequence[Column[ListedCall]] = (
    Column("started_at", lambda call: call.started_at, sorts=True),
    Column("id", lambda call: Link(call.id, f"/telephony/calls/{call.id}"), number=True),
    Column("state", lambda call: State(f"calls.state_{call.state}", TONES.get(call.state, "quiet"))),
    Column("collector", lambda call: call.collector_id, number=True),
    Column("extension", lambda call: call.extension_number, wide=True),
    Column("destination", lambda call: call.destination_masked),
    Column("duration", lambda call: call.duration_s, sorts=True, number=True),
    Column("reason", _reason, wide=True),
    Column("case", lambda call: call.case_id or None, wide=True),
    Column("recording", _recording, wide=True),
    Column("score", lambda call: None if call.score is None else round(call.score, 2), number=True, wide=True),
)


@router.get("/telephony/calls")
def calls(view: OwnViewer) -> Response:
    """The calls of the last seven days, or of the days that are named."""
    wanted = asked(view.request, sorts=tuple(store.SORTS), default_sort="-started_at")
    chosen = _filter(view, wanted.filters)

    def read(limit: int, offset: int) -> tuple[Sequence[ListedCall], None]:
        with view.transaction() as connection:
            rows = store.page(connection, chosen, sort=wanted.sort, descending=wanted.descending, limit=limit, offset=offset)
        return rows, None

    found = listing(view, "calls", "calls", wanted, COLUMNS, read)
    if isinstance(found, Response):
        return found
    since = chosen.since.astimezone(days.SHANGHAI).date()
    return view.page(
        "calls/calls.html",
        calls=found,
        states=STATES,
        recordings=RECORDING_STATES,
        since=since,
        of_all_tenants=view.caller.tenant is None,
        of_all_collectors=view.caller.collector is None,
    )


def _filter(view: View, given: Mapping[str, str]) -> CallFilter:
    first = _day(given, "from") or days.today() - dt.timedelta(days=SHOWN_DAYS - 1)
    last = _day(given, "to")
    reviewed = _one_of(given, "reviewed", ("yes", "no"))
    return CallFilter(
        since=days.day_bounds(first)[0],
        until=None if last is None else days.day_bounds(last)[1],
        tenant_id=view.caller.scope(number_in(given, "tenant")),
        collector_id=view.caller.own_collector(number_in(given, "collector")),
        state=_one_of(given, "state", STATES),
        extension=given.get("extension"),
        case_id=given.get("case"),
        recording=_one_of(given, "recording", RECORDING_STATES),
        reviewed=None if reviewed is None else reviewed == "yes",
    )


def _one_of(given: Mapping[str, str], name: str, values: tuple[Value, ...]) -> Value | None:
    text = given.get(name)
    for value in values:
        if value == text:
            return value
    if text is None:
        return None
    raise InvalidInput(f"{name} is one of {', '.join(values)}", field=name)


def _day(given: Mapping[str, str], name: str) -> dt.date | None:
    return days.parse_day(given[name]) if name in given else None
