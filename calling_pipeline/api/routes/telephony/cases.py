"""Telephony over HTTP: collectors' cases, quality notes and recordings."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from calling_pipeline.api.dependencies import Id, Limit, Offset, PathId, RuntimeDep, Short, Tenant, Text, Whole
from calling_pipeline.api.envelope import Page, Success, ok, page
from calling_pipeline.api.playing import answer_of
from calling_pipeline.api.routes.telephony.bodies import PREFIX, Imported
from calling_pipeline.api.routes.telephony.dependencies import Collector, Operator
from calling_pipeline.errors import NotFound
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.recordings.keeping import Keeping
from calling_pipeline.telephony.calls.recordings.playing import open_recording
from calling_pipeline.telephony.desk.cases import cases, importing, store
from calling_pipeline.telephony.desk.cases.records import CallResult, Case, CaseFilter, CaseState, NewCase
from calling_pipeline.telephony.reviews.notes.noting import note_quality
from calling_pipeline.telephony.reviews.notes.records import Note

router = APIRouter(prefix=PREFIX, tags=["telephony: cases and quality"])


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CaseCreate(_Body):
    """Whom a collector is to call."""

    tenant_id: Id | None = None
    collector_id: Id
    phone: Short = Field(description="kept encrypted, shown masked")
    customer_name: Short = ""
    note: Annotated[Text, Field(max_length=1000)] = ""


class CaseImport(_Body):
    """Lines with collector_id, customer_name, phone and note; a first line may name the columns."""

    tenant_id: Id | None = None
    text: Annotated[Text, Field(max_length=2_000_000)]


class CaseResult(_Body):
    """What came of a case's last call. `done` left out: as is usual for the result."""

    result: CallResult
    remark: Annotated[Text, Field(max_length=1000)] = ""
    done: bool | None = None
    next_call_at: AwareDatetime | None = None


class QualityNote(_Body):
    """A reviewer's opinion of a call."""

    score: Whole = Field(ge=1, le=5)
    remark: Annotated[Text, Field(max_length=1000)] = ""


@router.get("/cases", summary="List cases")
def show_all(
    runtime: RuntimeDep,
    caller: Collector,
    tenant_id: Tenant = None,
    collector_id: Id | None = None,
    state: CaseState | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[Case]]:
    """In the order in which they are called; numbers are masked."""
    wanted = CaseFilter(caller.scope(tenant_id), caller.own_collector(collector_id), state)
    with runtime.transaction() as connection:
        rows, total = store.page(connection, wanted, limit=limit, offset=offset)
    return page(rows, total, limit, offset)


@router.post("/cases", summary="Add a case", status_code=201)
def add(body: CaseCreate, runtime: RuntimeDep, caller: Collector) -> Success[Case]:
    """409 when the collector has an open case with that number."""
    caller.own_collector(body.collector_id)
    tenant_id = caller.own_tenant(body.tenant_id)
    new = NewCase(body.collector_id, body.phone, body.customer_name, body.note)
    with runtime.transaction() as connection:
        return ok(cases.add(connection, runtime.secrets, runtime.phone_keys, tenant_id, new, who=caller.name))


@router.post("/cases/import", summary="Import many cases")
def bulk_import(body: CaseImport, runtime: RuntimeDep, caller: Operator) -> Success[Imported]:
    """Every row gets its verdict; a bad row spoils no other."""
    tenant_id = caller.own_tenant(body.tenant_id)
    with runtime.transaction() as connection:
        rows = importing.bulk_import(connection, runtime.secrets, runtime.phone_keys, tenant_id, body.text, who=caller.name)
    return ok(Imported(counts=dict(Counter(str(row.result) for row in rows)), rows=rows))


@router.post("/cases/{case_id}/result", summary="Keep what came of a case's call")
def conclude(case_id: PathId, body: CaseResult, runtime: RuntimeDep, caller: Collector) -> Success[Case]:
    """The result ends the case, or says when it is called next."""
    with runtime.transaction() as connection:
        case = cases.find(connection, case_id)
        caller.require_visible(case.tenant_id, "case", collector_id=case.collector_id)
        after = cases.conclude(
            connection,
            case,
            result=body.result,
            remark=body.remark,
            done=body.done,
            next_call_at=body.next_call_at,
            who=caller.name,
        )
    return ok(after)


@router.post("/calls/{call_id}/notes", summary="Note the quality of a call", status_code=201)
def note(call_id: PathId, body: QualityNote, runtime: RuntimeDep, caller: Operator) -> Success[list[Note]]:
    """Every reviewer has one opinion of a call; those before stay in its history."""
    with runtime.transaction() as connection:
        found = call_store.find(connection, call_id)
        if found is None:
            raise NotFound("there is no such call")
        caller.require_visible(found.tenant_id, "call", collector_id=found.collector_id)
        return ok(note_quality(connection, call_id, found.tenant_id, score=body.score, remark=body.remark, who=caller.name))


@router.get(
    "/calls/{call_id}/recording",
    summary="Listen to a call",
    response_class=Response,
    responses={
        200: {"content": {"audio/*": {}}, "description": "the recording"},
        206: {"content": {"audio/*": {}}, "description": "the range that was asked for"},
        416: {"description": "the range lies outside of it"},
    },
)
def listen(
    call_id: PathId, runtime: RuntimeDep, caller: Operator, range: Annotated[str | None, Header()] = None
) -> Response:
    """Each listening is kept in the audit log. 404 where no recording is kept (yet)."""
    with runtime.transaction() as connection:
        found = call_store.find(connection, call_id)
        if found is None:
            raise NotFound("there is no such call")
        caller.require_visible(found.tenant_id, "call", collector_id=found.collector_id)
        playable = open_recording(connection, Keeping.of(runtime.settings), call_id)
    return answer_of(playable, range, runtime, call_id, found.tenant_id, who=caller.name)
