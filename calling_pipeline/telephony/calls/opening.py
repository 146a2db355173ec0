"""Opens one call in one transaction: the contact policy's consent, an extension and the record, or none of them.

A commit whose answer is lost may have been carried out. The click that sent it then asks under its own reference, which
nobody else knows: the call is opened once, and nobody but that click makes it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from calling_pipeline import days, tracing
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt, Verdict
from calling_pipeline.database import locks
from calling_pipeline.database.engine import driver_connection
from calling_pipeline.database.errors import violated_constraint
from calling_pipeline.database.retry import retry_while_lost
from calling_pipeline.masking import mask_phone, phone_hash
from calling_pipeline.outgoing import holding
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.limits import judging as limits
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.pool import allocation
from calling_pipeline.telephony.records import Allocation, CallOutcome, CallWish, OpenedCall
from calling_pipeline.telephony.tenants import numbers
from calling_pipeline.telephony.tenants import store as tenant_store

ROOM = "telephony"
_GRACE = dt.timedelta(seconds=30)
_GIVE_UP_AFTER_S = 5.0
_WAIT_FOR_THE_CUT_S = 2.0
"""The server ends a transaction whose client is gone as soon as it notices; until then its locks stay."""


class _RefusedLate(Exception):
    """A refusal that takes back what the transaction has done."""

    def __init__(self, outcome: CallOutcome) -> None:
        super().__init__(outcome.sentence)
        self.outcome = outcome


async def open_call(deps: TelephonyDependencies, wish: CallWish, config: tenant_store.Row) -> OpenedCall | CallOutcome:
    """The call, committed as `initiating`; or why there is none, or the collector's open call.

    Raises a database error when the database is lost for longer than a click waits: then no call is made.
    """
    reference = uuid.uuid4().hex
    try:
        return await asyncio.to_thread(_open, deps, wish, lambda c: _opened(c, deps, wish, config, reference))
    except (OperationalError, InterfaceError):  # the transaction had begun: what became of it is not known
        return await retry_while_lost(
            lambda: asyncio.to_thread(_open, deps, wish, lambda c: _opened_again(c, deps, wish, config, reference)),
            give_up_after_s=_GIVE_UP_AFTER_S,
        )


def deadline(now: dt.datetime, ring_timeout_s: int) -> dt.datetime:
    """When the sweep asks about an open call at the latest: both sides may ring for the whole timeout in turn."""
    return now + dt.timedelta(seconds=2 * ring_timeout_s) + _GRACE


def open_already(connection: sa.Connection, deps: TelephonyDependencies, wish: CallWish) -> CallOutcome | None:
    """The collector's open call: the answer to a repeated click, a refusal of a second call; None without one."""
    row = call_store.open_of_collector(connection, wish.tenant_id, wish.collector_id)
    if row is None:
        return None
    if bytes(row.destination_hash) not in (phone_hash(key, wish.phone) for key in deps.phone_keys):
        return CallOutcome("refused", "this collector is in a call", call_id=row.id, rule="in_call", state=row.state)
    rings = row.state not in ("initiating", "unknown")
    return CallOutcome(
        "ringing" if rings else "unknown",
        "this call is under way already" if rings else "whether this call was made is not known yet",
        call_id=row.id,
        call_uuid=row.call_uuid,
        extension=row.extension_number,
        state=row.state,
    )


def refused(rule: str, sentence: str) -> CallOutcome:
    """A click that was refused by `rule`."""
    return CallOutcome("refused", sentence, rule=rule)


def _open(
    deps: TelephonyDependencies, wish: CallWish, opened: Callable[[sa.Connection], OpenedCall | CallOutcome]
) -> OpenedCall | CallOutcome:
    try:
        with deps.transaction() as connection:
            return opened(connection)
    except _RefusedLate as late:
        return late.outcome
    except IntegrityError as error:
        if violated_constraint(error) != call_store.OPEN_COLLECTOR:
            raise
    with deps.transaction() as connection:
        return open_already(connection, deps, wish) or refused("in_call", "this collector's call has just ended; try again")


def _opened_again(
    connection: sa.Connection, deps: TelephonyDependencies, wish: CallWish, config: tenant_store.Row, reference: str
) -> OpenedCall | CallOutcome:
    """What the cut transaction made, once it has certainly ended; else the call is opened now, under the same reference."""
    locks.wait_at_most(connection, _WAIT_FOR_THE_CUT_S)
    limits.hold(connection, config)  # in the order of `_opened`
    gate.wait_for_others(connection, wish.phone)
    made = call_store.opened_under(connection, reference)
    if made is None:
        return _opened(connection, deps, wish, config, reference)
    allocated = Allocation(made.extension_id, made.extension_number, made.fence, made.config_id)
    return OpenedCall(made.id, reference, allocated, made.caller_number, config.ring_timeout_s)


def _opened(
    connection: sa.Connection, deps: TelephonyDependencies, wish: CallWish, config: tenant_store.Row, reference: str
) -> OpenedCall | CallOutcome:
    already = open_already(connection, deps, wish)
    if already is not None:
        return already
    held = holding.refusal(connection, "clicks")
    if held is not None:
        return refused("held_back", held)
    now = days.now()
    over = limits.refusal(connection, config, wish.collector_id, now)
    if over is not None:
        return over
    attempt = Attempt(wish.phone, ROOM, reference, now, caller=_caller(config, config.caller_turn), tenant=wish.tenant_id)
    with tracing.span("gate"):
        verdict = gate.check_and_record(connection, attempt, policy_from(config.contact_rules))
    if not verdict.allowed:
        return _against_policy(verdict)
    until = deadline(now, config.ring_timeout_s)
    with tracing.span("allocation"):
        allocated = allocation.allocate(
            driver_connection(connection), wish.tenant_id, wish.collector_id, strategy=wish.strategy, hold_limit=until - now
        )
    if not isinstance(allocated, Allocation):
        gate.withdraw(connection, ROOM, reference)
        return refused(allocated.reason, str(allocated))
    caller_number = _in_turn(connection, config, attempt)
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
        trace=tracing.context(),
    )
    record_id = call_store.open_record(connection, record)
    return OpenedCall(record_id, reference, allocated, caller_number, config.ring_timeout_s)


def _in_turn(connection: sa.Connection, config: tenant_store.Row, attempt: Attempt) -> str | None:
    """Take the caller number whose turn it is. A refused click takes none.

    The gate has judged the number whose turn it was when the click began. When another click took that one meanwhile, the
    gate judges the number that is really shown; raises `_RefusedLate`, which gives the turn back too.
    """
    if attempt.caller is None:
        return None
    number = _caller(config, tenant_store.take_caller_turn(connection, config.id))
    if number != attempt.caller:
        gate.withdraw(connection, ROOM, attempt.reference)
        shown = replace(attempt, caller=number)
        verdict = gate.check_and_record(connection, shown, policy_from(config.contact_rules))
        if not verdict.allowed:
            raise _RefusedLate(_against_policy(verdict))
    return number


def _caller(config: tenant_store.Row, turn: int) -> str | None:
    return numbers.rotated(turn, config.caller_numbers, config.caller_range_start, config.caller_range_end)


def _against_policy(verdict: Verdict) -> CallOutcome:
    sentence = f"the contact policy refuses: {verdict.reason}"
    return CallOutcome("refused", sentence, rule=f"contact_policy:{verdict.rule}", not_before=verdict.not_before)
