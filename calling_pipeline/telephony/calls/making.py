"""Makes one click-to-call: the record is committed first, the call made second, its outcome committed at once.

A crash leaves an open record, whose extension the sweep asks Infinity about; no call is made twice.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from typing import Literal, TypeVar

from calling_pipeline import days, measures, tracing
from calling_pipeline.contact_policy import gate
from calling_pipeline.database.retry import LOST, retry_while_lost
from calling_pipeline.shadow import SENTENCE
from calling_pipeline.telephony.calls import lines
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.opening import ROOM, deadline, open_call, refused
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.pool.store import Verdict
from calling_pipeline.telephony.records import REASONS, Account, CallOutcome, CallWish, CommunicationRecord, OpenedCall
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.vendors.infinity.records import CallAnswer, CallRequest

T = TypeVar("T")
_SLACK_S = 1.0
"""Beyond Infinity's time limit, until a click that waits for another one's answer gives up."""
_NOBODYS = frozenset({"no_config", "no_collector", "shadow"})
"""Refusals that belong to no known tenant or collector, or say nothing about the lines; they are not counted."""
_PATIENCE_S = 5.0
"""How long what became of a call is tried to be kept while the database is lost."""


async def make_call(deps: TelephonyDependencies, wish: CallWish) -> CallOutcome:
    """Ring the collector's extension, then the customer. Never raises for what Infinity does: the outcome says it.

    Asked again while the collector's call to the same number is open, it answers with that call. Raises a database error
    when the database is lost: what is not known then is `unknown` for whoever asks again.
    """
    begun = time.perf_counter()
    with tracing.span("click") as span:
        outcome = await _attempted(deps, wish)
        span.note(outcome=outcome.kind, reason=outcome.rule, call=outcome.call_id or 0)
    measures.count(measures.CLICKS, outcome.kind, outcome.rule)
    measures.observe(measures.CLICK_SECONDS, time.perf_counter() - begun)
    counts = outcome.kind == "refused" and outcome.rule not in _NOBODYS
    if counts and deps.refusals.note(wish.tenant_id, wish.collector_id, outcome.rule):
        await asyncio.to_thread(deps.refusals.write, deps.transaction)
    return outcome


async def _attempted(deps: TelephonyDependencies, wish: CallWish) -> CallOutcome:
    if deps.shadow:
        return refused("shadow", SENTENCE)
    config = await asyncio.to_thread(_config, deps, wish.tenant_id)
    if config is None:
        return refused("no_config", REASONS["no_config"])
    account = accounts.account(deps.secrets, config)
    begun = time.monotonic()
    opened = await open_call(deps, wish, config)
    if isinstance(opened, CallOutcome):
        opened = await _after_a_look(deps, wish, config, account, opened)
    if isinstance(opened, CallOutcome):
        return opened
    if time.monotonic() - begun > deps.answer_limit_s + lines.YOUNGEST_S:  # a process that stood still
        late = CallAnswer("retry", sentence="no call was made: this click took too long to be opened", code="late")
        await _kept(lambda: _fail(deps, opened, late))
        return _outcome("failed", opened, late.sentence)
    return await _made(deps, wish, account, opened)


async def _after_a_look(
    deps: TelephonyDependencies, wish: CallWish, config: tenant_store.Row, account: Account, outcome: CallOutcome
) -> OpenedCall | CallOutcome:
    """What a click comes to that found no extension, or an open call: once more, when a line proves to be idle."""
    if outcome.kind != "refused" and outcome.state == "initiating":
        outcome = await _awaited(deps, outcome)
    if not lines.frees_line(outcome):
        return outcome
    released = await lines.release_idle(deps, account, first=outcome.call_id)
    if outcome.rule in ("none_free", "over_limit") and released:
        return await open_call(deps, wish, config)
    if outcome.call_id not in released:
        return outcome
    if outcome.kind == "refused":
        return await open_call(deps, wish, config)
    sentence = "this call has ended, and what became of it is not known yet; click again to call once more"
    return CallOutcome("unknown", sentence, outcome.call_id, outcome.call_uuid, outcome.extension, state="unknown")


async def _awaited(deps: TelephonyDependencies, outcome: CallOutcome) -> CallOutcome:
    """What became of a call that another click is making, or was making when it broke off.

    Waits as long as Infinity may take to answer that click.
    """
    assert outcome.call_id is not None
    record_id, pause_s, limit_s = outcome.call_id, 0.02, deps.answer_limit_s + _SLACK_S
    waited_until = time.monotonic() + limit_s
    while True:
        record = await asyncio.to_thread(_record, deps, record_id)
        if record is None or record.state != "initiating":
            break
        age = days.now() - record.started_at
        if not dt.timedelta() <= age <= dt.timedelta(seconds=limit_s) or time.monotonic() > waited_until:
            return outcome
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, 0.5)
    if record is None or record.state == "unknown":
        return outcome
    if record.state == "failed":
        return CallOutcome("failed", record.failure or "the call was not made", record_id, state="failed")
    return CallOutcome(
        "ringing", "this call is under way already", record_id, record.call_uuid, record.extension_number, state=record.state
    )


async def _made(deps: TelephonyDependencies, wish: CallWish, account: Account, opened: OpenedCall) -> CallOutcome:
    """Make the call, once, and keep its outcome."""
    request = CallRequest(
        extension=opened.allocation.number,
        destination=wish.phone,
        reference=opened.reference,
        caller_number=opened.caller_number,
        collector=str(wish.collector_id),
        customer=wish.customer_id,
    )
    try:
        with tracing.span("MakeCall") as span:
            answer = await deps.client(account).make_call(request)
            span.note(outcome=answer.outcome)
    except LOST:  # the token could not be read: no call has been sent, or Infinity has refused the one before
        answer = CallAnswer("retry", sentence="no call was made: the database could not be reached", code="database")
    if answer.outcome == "done":
        return await _kept(lambda: _answered(deps, opened, answer.call_uuid))
    if answer.outcome == "unknown":
        await _kept(lambda: _doubt(deps, opened, answer.sentence))
        return _outcome("unknown", opened, f"whether the call was made is not known: {answer.sentence}")
    await _kept(lambda: _fail(deps, opened, answer))
    return _outcome("failed", opened, answer.sentence)


async def _kept(act: Callable[[], T]) -> T:
    """Run `act`, which may run twice, until it is committed; for a few seconds while the database is lost."""
    return await retry_while_lost(lambda: asyncio.to_thread(act), give_up_after_s=_PATIENCE_S)


def _config(deps: TelephonyDependencies, tenant_id: int) -> tenant_store.Row | None:
    """The tenant's enabled configuration."""
    with deps.transaction() as connection:
        row = tenant_store.config_of_tenant(connection, tenant_id)
        return row if row is not None and row.enabled else None


def _record(deps: TelephonyDependencies, record_id: int) -> CommunicationRecord | None:
    with deps.transaction() as connection:
        return call_store.find(connection, record_id)


def _answered(deps: TelephonyDependencies, opened: OpenedCall, call_uuid: str) -> CallOutcome:
    now = days.now()
    with deps.transaction() as connection:
        state = call_store.answered(connection, opened.record_id, call_uuid, now, deadline(now, opened.ring_timeout_s))
    with deps.transaction() as connection:  # after the commit: a callback that came in between has looked before it
        matched = call_store.match_callbacks(connection, now, record_id=opened.record_id)
    if matched:
        record = _record(deps, opened.record_id)
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


def _outcome(kind: Literal["failed", "unknown"], opened: OpenedCall, sentence: str) -> CallOutcome:
    return CallOutcome(kind, sentence, call_id=opened.record_id, extension=opened.allocation.number, state=kind)
