"""`/telephony/calls/{id}`: what happened to one call, its recording, and what reviewers think of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId
from calling_pipeline.console.pages.calls.calls import RECORDING_TONES, TONES, OwnViewer
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import NotFound
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.listing.story import story
from calling_pipeline.telephony.calls.recordings import store as recording_store
from calling_pipeline.telephony.records import CommunicationRecord
from calling_pipeline.telephony.reviews.notes import noting
from calling_pipeline.telephony.reviews.notes import store as note_store
from calling_pipeline.telephony.reviews.notes.records import HIGHEST, LOWEST

router = APIRouter(tags=["calls"])
Reviewer = Annotated[View, Depends(viewing("operator", "telephony"))]


@router.get("/telephony/calls/{call_id}")
def call(view: OwnViewer, call_id: PathId) -> Response:
    """One call. Whoever is bound to a collector sees their own alone; reviewers see notes and player."""
    reviews = view.may("operator", "telephony")
    with view.transaction() as connection:
        found = call_store.find(connection, call_id)
        visible(view, found)
        assert found is not None
        recording = recording_store.find(connection, call_id)
        events = story(connection, found, recording)
        notes = note_store.of_call(connection, call_id) if reviews else []
    own = next((note for note in notes if note.reviewer == view.caller.name and note.replaced_at is None), None)
    return view.page(
        "calls/call.html",
        call=found,
        tone=TONES.get(found.state, "quiet"),
        recording=recording,
        recording_tone=RECORDING_TONES.get(recording.state, "quiet") if recording is not None else "",
        events=events,
        notes=notes,
        own=own,
        reviews=reviews,
        scores=range(LOWEST, HIGHEST + 1),
    )


@router.post("/telephony/calls/{call_id}/notes")
def note(
    view: Reviewer,
    call_id: PathId,
    score: Annotated[int, Form(ge=LOWEST, le=HIGHEST)],
    remark: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Keep what the reviewer thinks of the call; what they thought before stays in its history."""
    with view.transaction() as connection:
        found = call_store.find(connection, call_id)
        tenant_id = visible(view, found)
        noting.note_quality(connection, call_id, tenant_id, score=score, remark=remark, who=view.caller.name)
    return view.done("calls.noted", back=f"/telephony/calls/{call_id}")


def visible(view: View, found: CommunicationRecord | None) -> int:
    """The tenant of a call that the caller may see. Raises `NotFound` for every other."""
    if found is None:
        raise NotFound("there is no such call")
    view.caller.require_visible(found.tenant_id, "call", collector_id=found.collector_id)
    return found.tenant_id
