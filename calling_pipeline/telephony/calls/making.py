"""Makes one click-to-call: recorded and committed first, made second, its outcome committed at once.

Whatever a crash leaves behind is an open record whose line the sweep asks Infinity about; no call is made twice.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.database.engine import driver_connection
from calling_pipeline.errors import AmbiguousOutcome, CallingError, VendorRefused
from calling_pipeline.masking import mask_phone, phone_hash
from calling_pipeline.telephony import numbers
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.dependencies import Desk
from calling_pipeline.telephony.pool import allocation
from calling_pipeline.telephony.records import REASONS, CallOutcome, CallWish, Lease, OpenedCall
from calling_pipeline.telephony.tenants import configurations
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.vendors.infinity.client import CallRequest

ROOM = "telephony"
EXTENSION_FAULTS = frozenset({"1012", "1013", "1014"})
"""Refusals that lie with the extension: they count towards its quarantine."""
_GRACE = dt.timedelta(seconds=30)


async def make_call(desk: Desk, wish: CallWish) -> CallOutcome:
    """Ring the collector's extension, then the customer. Never raises for what Infinity does: the outcome says it.

    Asked again while the same collector's call to the same number is open, it answers with that call.
    """
    config = await asyncio.to_thread(_config_in_turn, desk, wish.tenant_id)
    if config is None:
        return _refused("no_config", REASONS["no_config"])
    row, caller_number = config
    client = desk.client(configurations.account(desk.secrets, row))
    opened = await asyncio.to_thread(_open, desk, wish, row, caller_number)
    if isinstance(opened, CallOutcome):
        return opened
    request = CallRequest(
        extension=opened.lease.number,
        destination=wish.phone,
        reference=opened.reference,
        caller_number=caller_number,
        collector=str(wish.collector_id),
        customer=wish.customer_id,
    )
    try:
        call_uuid = await client.make_call(request)
    except AmbiguousOutcome as error:
        await asyncio.to_thread(_doubt, desk, opened, str(error))
        return _outcome("unknown", opened, f"whether the call was made is not known: {error}")
    except CallingError as error:
        await asyncio.to_thread(_fail, desk, opened, error)
        return _outcome("failed", opened, str(error))
    return await asyncio.to_thread(_answered, desk, opened, call_uuid)


def deadline(now: dt.datetime, ring_timeout_s: int) -> dt.datetime:
    """When an open call is looked into: both sides may ring for the whole timeout, one after the other."""
    return now + dt.timedelta(seconds=2 * ring_timeout_s) + _GRACE


def _config_in_turn(desk: Desk, tenant_id: int) -> tuple[tenant_store.Row, str | None] | None:
    """The tenant's enabled configuration and the caller number whose turn it is."""
    with desk.transaction() as connection:
        row = tenant_store.config_of_tenant(connection, tenant_id)
        if row is None or not row.enabled:
            return None
        if not row.caller_numbers and not row.caller_range_start:
            return row, None
        turn = tenant_store.take_caller_turn(connection, row.id)
        return row, numbers.rotated(turn, row.caller_numbers, row.caller_range_start, row.caller_range_end)


def _open(desk: Desk, wish: CallWish, config: tenant_store.Row, caller_number: str | None) -> OpenedCall | CallOutcome:
    """One transaction: the contact policy's consent, an extension and the record, or none of them."""
    try:
        with desk.transaction() as connection:
            return _opened(connection, desk, wish, config, caller_number)
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", "") != call_store.OPEN_COLLECTOR:
            raise
    with desk.transaction() as connection:
        return _open_already(connection, desk, wish) or _refused(
            "in_call", "this collector's call has just ended; try again"
        )


def _opened(
    connection: sa.Connection, desk: Desk, wish: CallWish, config: tenant_store.Row, caller_number: str | None
) -> OpenedCall | CallOutcome:
    already = _open_already(connection, desk, wish)
    if already is not None:
        return already
    now, reference = days.now(), uuid.uuid4().hex
    attempt = Attempt(wish.phone, ROOM, reference, now, caller=caller_number, tenant=wish.tenant_id)
    verdict = gate.ask(connection, attempt, policy_from(config.contact_rules))
    if not verdict.allowed:
        sentence = f"the contact policy refuses: {verdict.reason}"
        return CallOutcome("refused", sentence, rule=f"contact_policy:{verdict.rule}", not_before=verdict.not_before)
    until = deadline(now, config.ring_timeout_s)
    lease = allocation.allocate(
        driver_connection(connection), wish.tenant_id, wish.collector_id, strategy=wish.strategy, lease=until - now
    )
    if not isinstance(lease, Lease):
        gate.withdraw(connection, ROOM, reference)
        return _refused(lease.reason, str(lease))
    record_id = call_store.open_record(
        connection,
        {
            "reference": reference,
            "tenant_id": wish.tenant_id,
            "config_id": lease.config_id,
            "collector_id": wish.collector_id,
            "extension_id": lease.extension_id,
            "extension_number": lease.number,
            "fence": lease.fence,
            "case_id": wish.case_id,
            "customer_id": wish.customer_id,
            "destination_masked": mask_phone(wish.phone),
            "destination_hash": phone_hash(desk.phone_key, wish.phone),
            "caller_number": caller_number,
            "state": "initiating",
            "started_at": now,
            "deadline": until,
        },
    )
    return OpenedCall(record_id, reference, lease, caller_number, config.ring_timeout_s)


def _open_already(connection: sa.Connection, desk: Desk, wish: CallWish) -> CallOutcome | None:
    """The collector's open call: the answer to a repeated click, a refusal of a second call; None when he has none."""
    row = call_store.open_of_collector(connection, wish.tenant_id, wish.collector_id)
    if row is None:
        return None
    if bytes(row.destination_hash) != phone_hash(desk.phone_key, wish.phone):
        return CallOutcome("refused", "this collector is in a call", call_id=row.id, rule="in_call", state=row.state)
    return CallOutcome(
        "unknown" if row.state == "unknown" else "ringing",
        "this call is under way already",
        call_id=row.id,
        call_uuid=row.call_uuid,
        extension=row.extension_number,
        state=row.state,
    )


def _answered(desk: Desk, opened: OpenedCall, call_uuid: str) -> CallOutcome:
    now = days.now()
    with desk.transaction() as connection:
        state = call_store.answered(connection, opened.record_id, call_uuid, now, deadline(now, opened.ring_timeout_s))
    with desk.transaction() as connection:  # after the commit: a callback that came in between has looked before it
        matched = call_store.match_callbacks(connection, now, record_id=opened.record_id)
    if matched:
        with desk.transaction() as connection:
            record = call_store.find(connection, opened.record_id)
            state = record.state if record else state
    return CallOutcome(
        "ringing",
        "Infinity is ringing the extension",
        call_id=opened.record_id,
        call_uuid=call_uuid,
        extension=opened.lease.number,
        state=state,  # type: ignore[arg-type]  # the table's check allows these alone
    )


def _doubt(desk: Desk, opened: OpenedCall, failure: str) -> None:
    with desk.transaction() as connection:
        call_store.doubtful(connection, opened.record_id, failure)


def _fail(desk: Desk, opened: OpenedCall, error: CallingError) -> None:
    """The call was certainly not made: it counts for nobody."""
    code = error.code if isinstance(error, VendorRefused) else type(error).__name__
    verdict = "failed" if code in EXTENSION_FAULTS else "none"
    with desk.transaction() as connection:
        call_store.failed(connection, opened.record_id, code=code, failure=str(error), verdict=verdict, now=days.now())
        gate.withdraw(connection, ROOM, opened.reference)


def _refused(rule: str, sentence: str) -> CallOutcome:
    return CallOutcome("refused", sentence, rule=rule)


def _outcome(kind: str, opened: OpenedCall, sentence: str) -> CallOutcome:
    unknown = kind == "unknown"
    return CallOutcome(
        "unknown" if unknown else "failed",
        sentence,
        call_id=opened.record_id,
        extension=opened.lease.number,
        state="unknown" if unknown else "failed",
    )
