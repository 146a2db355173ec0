"""Telephony over HTTP: make a call, hear what became of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import psycopg
from fastapi import APIRouter, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import Response
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from calling_pipeline.api.dependencies import Id, Limit, Offset, PoolDep, RuntimeDep, Short, Tenant
from calling_pipeline.api.envelope import Page, Success, answer, failure, ok, page
from calling_pipeline.api.routes.telephony.bodies import PREFIX, MakeCall
from calling_pipeline.api.routes.telephony.dependencies import Collector, OwnViewer, TelephonyDep
from calling_pipeline.errors import DatabaseUnavailable, NotFound
from calling_pipeline.telephony.calls import callbacks, making
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.records import CallbackOutcome, CallOutcome, CallState, CallWish, CommunicationRecord
from calling_pipeline.telephony.tenants import numbers
from calling_pipeline.vendors.infinity.callbacks import LARGEST_BODY, Unsigned

router = APIRouter(prefix=PREFIX, tags=["telephony: calls"])
_log = logging.getLogger(__name__)
_STATUS = {"ringing": 200, "unknown": 202, "refused": 409, "failed": 424}
_DATABASE_TRIES = 3


class CallbackAnswer(BaseModel):
    """What a callback did."""

    outcome: CallbackOutcome


CALLBACK_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["call_uuid"],
                    "properties": {
                        "call_uuid": {"type": "string"},
                        "call_duration": {"type": "integer", "description": "seconds"},
                        "is_connected": {"type": "boolean"},
                        "call_record_url": {"type": "string"},
                        "contact_result": {"type": "string"},
                        "remark": {"type": "string"},
                        "custom_params": {},
                    },
                }
            }
        },
    }
}


@router.post(
    "/make-call",
    summary="Call a customer",
    response_model=Success[CallOutcome],
    responses={
        202: {
            "model": Success[CallOutcome],
            "description": "whether the call was made is not known; the extension stays held until it is",
        },
        409: {
            "description": "refused: `rule` is none_free, over_limit, busy, no_config, no_collector, in_call, held_back"
            " or a policy's"
        },
        424: {"description": "Infinity refused or could not be reached: no call was made"},
    },
)
async def make_call(body: MakeCall, telephony: TelephonyDep, caller: Collector) -> Response:
    """Rings the collector's extension first, then the customer. A repeat while that call is open answers with it."""
    caller.own_collector(body.collector_id)
    wish = CallWish(
        tenant_id=caller.own_tenant(body.tenant_id),
        collector_id=body.collector_id,
        phone=numbers.customer_number(body.phone),
        case_id="" if body.case_id is None else str(body.case_id),
        customer_id="" if body.customer_id is None else str(body.customer_id),
        strategy=body.strategy,
    )
    outcome = await making.make_call(telephony, wish)
    if outcome.rule == "no_collector":
        raise NotFound(outcome.sentence)
    status = _STATUS[outcome.kind]
    if status >= 400:
        return failure(status, outcome.sentence, rule=outcome.rule, data=jsonable_encoder(outcome))
    return answer(ok(outcome), status=status)


@router.post(
    "/callback/call-record",
    summary="Infinity's call record",
    openapi_extra=CALLBACK_BODY,
    responses={401: {"description": "not signed, wrongly signed, or older than 300 s"}, 413: {"description": "too large"}},
)
async def call_record(
    request: Request,
    runtime: RuntimeDep,
    pool: PoolDep,
    x_signature: Annotated[str | None, Header(description="hex HMAC-SHA256 over timestamp, dot and raw body")] = None,
    x_timestamp: Annotated[str | None, Header(description="Unix seconds")] = None,
) -> Success[CallbackAnswer]:
    """Needs no token but the signature. A repeat changes nothing; a call we do not know (yet) is kept and matched later."""
    body = await limited_body(request)
    try:
        outcome = await until_kept(
            pool,
            lambda connection: callbacks.receive(
                connection, runtime.secrets, body=body, timestamp=x_timestamp, signature=x_signature
            ),
        )
    except Unsigned as error:
        _log.warning("a callback was refused: %s", error)
        raise HTTPException(401, str(error)) from None
    return ok(CallbackAnswer(outcome=outcome))


@router.get("/calls", summary="List communication records")
def show_all(
    runtime: RuntimeDep,
    caller: OwnViewer,
    tenant_id: Tenant = None,
    collector_id: Id | None = None,
    state: CallState | None = None,
    case_id: Short | None = None,
    open_only: bool = False,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[CommunicationRecord]]:
    """The newest first; numbers are masked."""
    with runtime.transaction() as connection:
        rows, total = call_store.page(
            connection,
            tenant_id=caller.scope(tenant_id),
            collector_id=caller.own_collector(collector_id),
            state=state,
            case_id=case_id,
            open_only=open_only,
            limit=limit,
            offset=offset,
        )
    return page(rows, total, limit, offset)


@router.get("/calls/{call_id}", summary="Read a communication record")
def show(call_id: Id, runtime: RuntimeDep, caller: OwnViewer) -> Success[CommunicationRecord]:
    """State, duration, recording, and what settled it."""
    with runtime.transaction() as connection:
        found = call_store.find(connection, call_id)
    if found is None:
        raise NotFound("there is no such call")
    caller.require_visible(found.tenant_id, "call", collector_id=found.collector_id)
    return ok(found)


async def limited_body(request: Request) -> bytes:
    """The raw body of a callback. Raises an `HTTPException` beyond its size."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(413, f"a callback has at most {LARGEST_BODY} bytes")
    return bytes(body)


async def until_kept(pool: AsyncConnectionPool[Any], act: Callable[[Any], Awaitable[CallbackOutcome]]) -> CallbackOutcome:
    """Apply a callback; repeated when the connection broke, for the same body counts once."""
    broken: Exception | None = None
    for _ in range(_DATABASE_TRIES):
        try:
            async with pool.connection(timeout=5) as connection:
                return await act(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UniqueViolation, PoolTimeout) as error:
            broken = error
    raise DatabaseUnavailable("the callback could not be kept; send it again") from broken
