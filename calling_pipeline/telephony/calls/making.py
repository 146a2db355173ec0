"""Makes one click-to-call: the record is committed first, the call made second, its outcome committed at once.

A crash leaves an open record, whose extension the sweep asks Infinity about; no call is made twice.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.database.engine import driver_connection
from calling_pipeline.database.errors import violated_constraint
from calling_pipeline.masking import mask_phone, phone_hash
from calling_pipeline.telephony import numbers
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.pool import allocation
from calling_pipeline.telephony.pool.store import Verdict
from calling_pipeline.telephony.records import REASONS, Allocation, CallOutcome, CallWish, OpenedCall
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.vendors.infinity.records import CallAnswer, CallRequest

ROOM = "telephony"
_GRACE = dt.timedelta(seconds=30)


async def make_call(deps: TelephonyDependencies, wish: CallWish) -> CallOutcome:
    """Ring the collector's extension, then the customer. Never raises for what Infinity does: the outcome says it.

    Asked again while the collector's call to the same number is open, it answers with that call.
    """
    config = await asyncio.to_thread(_config_in_turn, deps, wish.tenant_id)
    if config is None:
        return _refused("no_config", REASONS["no_config"])
    row, caller_number = config
    client = deps.client(accounts.account(deps.secrets, row))
    opened = await asyncio.to_thread(_open, deps, wish, row, caller_number)
    if isinstance(opened, CallOutcome):
        return opened
    request = CallRequest(
        extension=opened.allocation.number,
        destination=wish.phone,
        reference=opened.reference,
        caller_number=caller_number,
        collector=str(wish.collector_id),
        customer=wish.customer_id,
    )
    answer = await client.make_call(request)
    if answer.outcome == "done":
        return await asyncio.to_thread(_answered, deps, opened, answer.call_uuid)
    if answer.outcome == "unknown":
        await asyncio.to_thread(_doubt, deps, opened, answer.sentence)
        return _outcome("unknown", opened, f"whether the call was made is not known: {answer.sentence}")
    await asyncio.to_thread(_fail, deps, opened, answer)
    return _outcome("failed", opened, answer.sentence)


def deadline(now: dt.datetime, ring_timeout_s: int) -> dt.datetime:
    """When the sweep asks about an open call: both sides may ring for the whole timeout, one after the other."""
    return now + dt.timedelta(seconds=2 * ring_timeout_s) + _GRACE


def _config_in_turn(deps: TelephonyDependencies, tenant_id: int) -> tuple[tenant_store.Row, str | None] | None:
    """The tenant's enabled configuration and the caller number whose turn it is."""
    with deps.transaction() as connection:
        row = tenant_store.config_of_tenant(connection, tenant_id)
        if row is None or not row.enabled:
            return None
        if not row.caller_numbers and not row.caller_range_start:
            return row, None
        turn = tenant_store.take_caller_turn(connection, row.id)
        return row, numbers.rotated(turn, row.caller_numbers, row.caller_range_start, row.caller_range_end)


def _open(
    deps: TelephonyDependencies, wish: CallWish, config: tenant_store.Row, caller_number: str | None
) -> OpenedCall | CallOutcome:
    """One transaction: the contact policy's consent, an extension and the record, or none of them."""
    try:
        with deps.transaction() as connection:
            return _opened(connection, deps, wish, config, caller_number)
    except IntegrityError as error:
        if violated_constraint(error) != call_store.OPEN_COLLECTOR:
            raise
    with deps.transaction() as connection:
        return _open_already(connection, deps, wish) or _refused(
            "in_call", "this collector's call has just ended; try again"
        )


def _opened(
    connection: sa.Connection,
    deps: TelephonyDependencies,
    wish: CallWish,
    config: tenant_store.Row,
    caller_number: str | None,
) -> OpenedCall | CallOutcome:
    already = _open_already(connection, deps, wish)
    if already is not None:
        return already
    now, reference = days.now(), uuid.uuid4().hex
    attempt = Attempt(wish.phone, ROOM, reference, now, caller=caller_number, tenant=wish.tenant_id)
    verdict = gate.check_and_record(connection, attempt, policy_from(config.contact_rules))
    if not verdict.allowed:
        sentence = f"the contact policy refuses: {verdict.reason}"
        return CallOutcome("refused", sentence, rule=f"contact_policy:{verdict.rule}", not_before=verdict.not_before)
    until = deadline(now, config.ring_timeout_s)
    allocated = allocation.allocate(
        driver_connection(connection), wish.tenant_id, wish.collector_id, strategy=wish.strategy, hold_limit=until - now
    )
    if not isinstance(allocated, Allocation):
        gate.withdraw(connection, ROOM, reference)
        return _refused(allocated.reason, str(allocated))
    record = call_store.NewRecord(
        reference=reference,
        tenant_id=wish.tenant_id,
        config_id=allocated.config_id,
        collector_id=wish.collector_id,
        extension_id=allocated.extension_id,
        extension_number=allocated.number,
        fence=allocated.fence,
        case_id=wish.case_id,
        customer_id=wish.customer_id,
        destination_masked=mask_phone(wish.phone),
        destination_hash=phone_hash(deps.phone_key, wish.phone),
        caller_number=caller_number,
        started_at=now,
        deadline=until,
    )
    record_id = call_store.open_record(connection, record)
    return OpenedCall(record_id, reference, allocated, caller_number, config.ring_timeout_s)


def _open_already(connection: sa.Connection, deps: TelephonyDependencies, wish: CallWish) -> CallOutcome | None:
    """The collector's open call: the answer to a repeated click, a refusal of a second call; None without one."""
    row = call_store.open_of_collector(connection, wish.tenant_id, wish.collector_id)
    if row is None:
        return None
    if bytes(row.destination_hash) != phone_hash(deps.phone_key, wish.phone):
        return CallOutcome("refused", "this collector is in a call", call_id=row.id, rule="in_call", state=row.state)
    return CallOutcome(
        "unknown" if row.state == "unknown" else "ringing",
        "this call is under way already",
        call_id=row.id,
        call_uuid=row.call_uuid,
        extension=row.extension_number,
        state=row.state,
    )


def _answered(deps: TelephonyDependencies, opened: OpenedCall, call_uuid: str) -> CallOutcome:
    now = days.now()
    with deps.transaction() as connection:
        state = call_store.answered(connection, opened.record_id, call_uuid, now, deadline(now, opened.ring_timeout_s))
    with deps.transaction() as connection:  # after the commit: a callback that came in between has looked before it
        matched = call_store.match_callbacks(connection, now, record_id=opened.record_id)
    if matched:
        with deps.transaction() as connection:
            record = call_store.find(connection, opened.record_id)
            state = record.state if record else state
    return CallOutcome(
        "ringing",
        "Infinity is ringing the extension",
        call_id=opened.record_id,
        call_uuid=call_uuid,
        extension=opened.allocation.number,
        state=state,  # type: ignore[arg-type]  # the table's check allows these alone
    )


def _doubt(deps: TelephonyDependencies, opened: OpenedCall, failure: str) -> None:
    with deps.transaction() as connection:
        call_store.doubtful(connection, opened.record_id, failure)


def _fail(deps: TelephonyDependencies, opened: OpenedCall, answer: CallAnswer) -> None:
    """The call was certainly not made: it does not count as a contact, and against the extension only by its own fault."""
    verdict: Verdict = "failed" if answer.extension_fault else "none"
    with deps.transaction() as connection:
        call_store.failed(
            connection, opened.record_id, code=answer.code, failure=answer.sentence, verdict=verdict, now=days.now()
        )
        gate.withdraw(connection, ROOM, opened.reference)


def _refused(rule: str, sentence: str) -> CallOutcome:
    return CallOutcome("refused", sentence, rule=rule)


def _outcome(kind: Literal["failed", "unknown"], opened: OpenedCall, sentence: str) -> CallOutcome:
    return CallOutcome(kind, sentence, call_id=opened.record_id, extension=opened.allocation.number, state=kind)
