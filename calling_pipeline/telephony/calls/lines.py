"""Asks Infinity what lines are doing, so that a lost callback blocks neither collector nor line.

A click that finds no free extension, or the collector's own call still open, asks about the calls it waits for. One process
per configuration asks at a time, and about each call only now and then. An extension that is idle is released; its call
waits for its callback or the bill as `unknown`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Literal

from calling_pipeline import days
from calling_pipeline.errors import CallingError
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.kept_callbacks import store as kept_store
from calling_pipeline.telephony.calls.kept_callbacks.applying import apply_unconfirmed
from calling_pipeline.telephony.calls.store import QuestionRules
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import Account, CallbackOutcome, CallOutcome, StaleCall, WaitingCallback
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.vendors.infinity.client import InfinityClient

Found = Literal["released", "in call", "no answer"]
WAITED_FOR = frozenset({"none_free", "over_limit", "in_call"})
"""Refusals that an extension released in time would have spared."""
YOUNGEST_S = 5.0
"""Between accepting a call and ringing the extension Infinity may report it idle; a younger call is not asked about."""
_AGAIN_S = 3.0
_AT_ONCE = 32
_QUESTION_LIMIT_S = 3.0
_PAUSE = dt.timedelta(seconds=0.5)
_TURN = dt.timedelta(seconds=30)
_LOGIN_S = 20.0
_CONFIRMED_WITHIN = dt.timedelta(days=3)
_KEPT_AT_ONCE = 100


async def release_idle(deps: TelephonyDependencies, account: Account, *, first: int | None = None) -> frozenset[int]:
    """Ask about the configuration's open calls, `first` before the others; ids of the calls whose extensions were released.

    Empty at once when somebody else asks, or when no call may be asked about now.
    """
    calls = await asyncio.to_thread(_claim, deps, account.config_id, first)
    if not calls:
        return frozenset()
    client = deps.client(account)
    try:
        found = await asyncio.gather(*(_patiently(deps, client, call) for call in calls))
    finally:
        await asyncio.to_thread(_end_turn, deps, account.config_id)
    return frozenset(
        call.record_id
        for call, result in zip(calls, found, strict=True)
        if result == "released" and call.record_id is not None
    )


async def look_into(
    deps: TelephonyDependencies, client: InfinityClient, call: StaleCall, *, free: frozenset[str] = frozenset({"idle"})
) -> Found:
    """Ask what the call's extension is doing, and release it when that is one of `free`; nothing when its fence changed."""
    try:
        status = await client.line_status(call.extension_number)
    except CallingError:
        return "no answer"
    if status not in free:
        return "in call"
    await asyncio.to_thread(_close, deps, call)
    return "released"


async def confirm(deps: TelephonyDependencies, kept: WaitingCallback) -> CallbackOutcome:
    """Apply a callback without a signature when Infinity says that its call's line is idle; `kept` while it waits.

    A call whose line was released already cannot be confirmed this way: the bill settles it.
    """
    call, account = await asyncio.to_thread(_named_by, deps, kept)
    if call is None or account is None:
        return "kept"
    if call.settled_at is not None:
        await asyncio.to_thread(_settled_already, deps, kept)
        return "already_settled"
    if (
        call.closed_at is not None
        or call.called_at is None
        or days.now() - call.called_at < dt.timedelta(seconds=YOUNGEST_S)
    ):
        return "kept"
    stale = StaleCall(call.id, call.extension_id, call.extension_number, call.fence, call.config_id, call.deadline)
    return "applied" if await _patiently(deps, deps.client(account), stale) == "released" else "kept"


async def confirm_kept(deps: TelephonyDependencies) -> None:
    """Try to confirm what waits; what nothing has confirmed within three days is given up."""
    waiting = await asyncio.to_thread(_unconfirmed, deps)
    for kept in waiting:
        await confirm(deps, kept)


def frees_line(outcome: CallOutcome) -> bool:
    """Whether the click may go on once an extension is released, or its own call has ended."""
    own_call = outcome.kind != "refused" and outcome.state in ("initiating", "ringing", "unknown")
    return own_call or outcome.rule in WAITED_FOR


async def _patiently(deps: TelephonyDependencies, client: InfinityClient, call: StaleCall) -> Found:
    try:
        return await asyncio.wait_for(look_into(deps, client, call), _QUESTION_LIMIT_S)
    except TimeoutError:
        return "no answer"


def _claim(deps: TelephonyDependencies, config_id: int, first: int | None) -> list[StaleCall]:
    now = days.now()
    rules = QuestionRules(
        youngest_s=YOUNGEST_S, answer_s=2 * deps.answer_limit_s + _LOGIN_S, again_s=_AGAIN_S, most=_AT_ONCE
    )
    with deps.transaction() as connection:
        if not call_store.take_question_turn(connection, config_id, now, now + _TURN):
            return []
        calls = call_store.claim_questions(connection, config_id, now, rules, first=first)
        if not calls:
            call_store.end_question_turn(connection, config_id, now + _PAUSE)
        return calls


def _end_turn(deps: TelephonyDependencies, config_id: int) -> None:
    with deps.transaction() as connection:
        call_store.end_question_turn(connection, config_id, days.now() + _PAUSE)


def _close(deps: TelephonyDependencies, call: StaleCall) -> None:
    with deps.transaction() as connection:
        if call.record_id is not None:
            apply_unconfirmed(connection, deps.secrets, call.record_id)
        call_store.close(connection, call.extension_id, call.fence, days.now())


def _named_by(deps: TelephonyDependencies, kept: WaitingCallback) -> tuple[kept_store.NamedCall | None, Account | None]:
    with deps.transaction() as connection:
        try:
            account = accounts.account_of(connection, deps.secrets, kept.config_id)
        except CallingError:
            return None, None
        return kept_store.call_of(connection, kept), account


def _settled_already(deps: TelephonyDependencies, kept: WaitingCallback) -> None:
    with deps.transaction() as connection:
        kept_store.close(connection, kept.id, outcome="already_settled", by="program", now=days.now())


def _unconfirmed(deps: TelephonyDependencies) -> list[WaitingCallback]:
    now = days.now()
    with deps.transaction() as connection:
        kept_store.give_up(connection, now - _CONFIRMED_WITHIN, now)
        return kept_store.unconfirmed(connection, _KEPT_AT_ONCE)
