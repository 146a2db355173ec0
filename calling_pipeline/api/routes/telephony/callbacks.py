"""Telephony over HTTP: callbacks that cannot be read, callbacks without a signature, the bill by hand."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from calling_pipeline.api.dependencies import Id, Limit, Offset, PoolDep, RuntimeDep, Short, Tenant
from calling_pipeline.api.envelope import Page, Success, ok, page
from calling_pipeline.api.routes.telephony.bodies import PREFIX, CallbackPath, OpenedPath, Reconciliation, Replay
from calling_pipeline.api.routes.telephony.calls import CALLBACK_BODY, CallbackAnswer, limited_body, until_kept
from calling_pipeline.api.routes.telephony.dependencies import Admin, Operator, TelephonyDep
from calling_pipeline.errors import NotFound
from calling_pipeline.telephony.billing.reconcile import reconcile_by_hand
from calling_pipeline.telephony.calls import callbacks
from calling_pipeline.telephony.calls.kept_callbacks import applying
from calling_pipeline.telephony.calls.kept_callbacks import store as kept_store
from calling_pipeline.telephony.records import Config, Reconciled, WaitingCallback
from calling_pipeline.telephony.tenants import configurations
from calling_pipeline.vendors.infinity.callbacks import Unsigned

router = APIRouter(prefix=PREFIX, tags=["telephony: callbacks"])
_CALLBACK_PATH = f"{PREFIX}/callback/call-record/"
_log = logging.getLogger(__name__)


@router.post(
    "/callback/call-record/{path_secret}",
    summary="Infinity's call record, without a signature",
    openapi_extra=CALLBACK_BODY,
    responses={404: {"description": "no such path, or not from this address"}, 413: {"description": "too large"}},
)
async def unsigned_call_record(
    path_secret: Short, request: Request, runtime: RuntimeDep, pool: PoolDep, telephony: TelephonyDep
) -> Success[CallbackAnswer]:
    """Needs no token but the secret path and an address that may use it.

    It is believed when Infinity itself says that the call's line is idle; until then the answer is `kept`.
    """
    body = await limited_body(request)
    address = _sender(request, runtime.settings.trusted_proxies)
    try:
        outcome = await until_kept(
            pool,
            lambda connection: callbacks.receive_unsigned(
                connection, telephony, body=body, path_secret=path_secret, address=address
            ),
        )
    except Unsigned as error:
        _log.warning("a callback without a signature was refused: %s", error)
        raise HTTPException(404, str(error)) from None
    return ok(CallbackAnswer(outcome=outcome))


@router.post("/configs/{config_id}/callback-path", summary="Take callbacks without a signature")
def open_path(config_id: Id, body: CallbackPath, runtime: RuntimeDep, caller: Admin) -> Success[OpenedPath]:
    """For a vendor that cannot sign. The answer shows the path, this once; one from before is no longer valid."""
    with runtime.transaction() as connection:
        found = configurations.find(connection, runtime.secrets, config_id)
        caller.require_visible(found.tenant_id, "Infinity configuration")
        after, secret = configurations.open_callback_path(
            connection, runtime.secrets, config_id, body.addresses, who=caller.name
        )
    return ok(OpenedPath(path=_CALLBACK_PATH + secret, config=after))


@router.delete("/configs/{config_id}/callback-path", summary="Take signed callbacks alone")
def close_path(config_id: Id, runtime: RuntimeDep, caller: Admin) -> Success[Config]:
    """The secret path is no longer valid."""
    with runtime.transaction() as connection:
        found = configurations.find(connection, runtime.secrets, config_id)
        caller.require_visible(found.tenant_id, "Infinity configuration")
        return ok(configurations.close_callback_path(connection, runtime.secrets, config_id, who=caller.name))


@router.get("/callbacks/kept", summary="Callbacks that cannot be read or wait to be confirmed")
def show_kept(
    runtime: RuntimeDep,
    caller: Operator,
    tenant_id: Tenant = None,
    waiting: bool = True,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[WaitingCallback]]:
    """The newest first, without their bodies."""
    with runtime.transaction() as connection:
        rows, total = kept_store.page(
            connection, tenant_id=caller.scope(tenant_id), waiting=waiting, limit=limit, offset=offset
        )
    return page(rows, total, limit, offset)


@router.post("/callbacks/kept/{kept_id}/replay", summary="Read a kept callback again and apply it")
def replay(kept_id: Id, body: Replay, runtime: RuntimeDep, caller: Operator) -> Success[CallbackAnswer]:
    """`is_connected` and `call_duration` replace what its body says."""
    corrections = body.model_dump(include={"is_connected", "call_duration"}, exclude_none=True)
    with runtime.transaction() as connection:
        kept = kept_store.find(connection, kept_id)
        if kept is None:
            raise NotFound("there is no such kept callback")
        caller.require_visible(kept.tenant_id, "kept callback")
        outcome = applying.replay(
            connection, runtime.secrets, kept_id, corrections=corrections, reason=body.reason, who=caller.name
        )
    return ok(CallbackAnswer(outcome=outcome))


@router.post("/reconcile", summary="Compare a day with Infinity's bill", tags=["telephony: bill"])
async def reconcile(
    body: Reconciliation, telephony: TelephonyDep, caller: Operator, tenant_id: Tenant = None
) -> Success[list[Reconciled]]:
    """What the asset `communication_records` does. What we never learned about a call is taken from the bill."""
    return ok(await reconcile_by_hand(telephony, body.day, tenant_id=caller.scope(tenant_id), who=caller.name))


def _sender(request: Request, proxies: Sequence[str]) -> str:
    """The sender's address: the peer's, or behind trusted proxies the nearest one that is none of them."""
    peer = request.client.host if request.client else ""
    if not _is_one_of(peer, proxies):
        return peer
    forwarded = [one.strip() for line in request.headers.getlist("X-Forwarded-For") for one in line.split(",")]
    return next((one for one in reversed(forwarded) if not _is_one_of(one, proxies)), peer)


def _is_one_of(address: str, networks: Sequence[str]) -> bool:
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(one in ipaddress.ip_network(network) for network in networks)
