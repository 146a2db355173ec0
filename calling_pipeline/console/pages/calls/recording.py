"""The recording of a call as the player asks for it: by ranges, to operators alone, each listening in the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId
from calling_pipeline.api.playing import answer_of
from calling_pipeline.console.pages.calls.call import Reviewer, visible
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.recordings.keeping import Keeping
from calling_pipeline.telephony.calls.recordings.playing import open_recording

router = APIRouter(tags=["calls"])


@router.get("/telephony/calls/{call_id}/recording")
def recording(view: Reviewer, call_id: PathId, range: Annotated[str | None, Header()] = None) -> Response:
    """The sound, or the part of it that was asked for."""
    with view.transaction() as connection:
        tenant_id = visible(view, call_store.find(connection, call_id))
        playable = open_recording(connection, Keeping.of(view.runtime.settings), call_id)
    return answer_of(playable, range, view.runtime, call_id, tenant_id, who=view.caller.name)
