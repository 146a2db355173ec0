"""Ends calls that a lost callback or a crash left open.

Infinity is asked what the extension is doing, after the usual length of a call and at its deadline at the latest. One
that is idle is released.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.errors import CallingError, NotFound
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.lines import confirm_kept, look_into
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.records import StaleCall, Swept
from calling_pipeline.telephony.tenants import accounts

T = TypeVar("T")
ASK_AGAIN = dt.timedelta(seconds=60)
"""An extension that is still in a call, or whose state could not be learned, is asked about again after this."""
_CONCURRENCY = 8
_DONE = frozenset({"idle", "not_registered"})


async def sweep(deps: TelephonyDependencies, *, limit: int = 200) -> Swept:
    """One round over at most `limit` open calls. Several sweeps may run at once: each call is claimed by one of them.

    An extension whose state cannot be learned stays held.
    """
    now = days.now()
    matched, revived, due = await asyncio.to_thread(_prepare, deps, now, limit)
    gate = asyncio.Semaphore(_CONCURRENCY)

    async def one(call: StaleCall) -> str:
        async with gate:
            return await _look_into(deps, call)

    results = await asyncio.gather(*(one(call) for call in due))
    await confirm_kept(deps)
    return Swept(
        asked=sum(result != "taken" for result in results),
        released=results.count("released"),
        still_in_call=results.count("in call"),
        not_answered=results.count("no answer"),
        callbacks_matched=matched,
        out_of_quarantine=revived,
    )


def _prepare(deps: TelephonyDependencies, now: dt.datetime, limit: int) -> tuple[int, int, list[StaleCall]]:
    with deps.transaction() as connection:
        matched = call_store.match_callbacks(connection, now)
        revived = pool_store.out_of_quarantine(connection, now)
        return matched, revived, call_store.stale(connection, now, limit)


async def _look_into(deps: TelephonyDependencies, call: StaleCall) -> str:
    now = days.now()
    if not await asyncio.to_thread(_in_transaction(deps, lambda c: call_store.claim_stale(c, call, now + ASK_AGAIN))):
        return "taken"
    try:
        account = await asyncio.to_thread(
            _in_transaction(deps, lambda c: accounts.account_of(c, deps.secrets, call.config_id))
        )
    except NotFound:  # the account was deleted: there is nobody left to ask
        close = _in_transaction(deps, lambda c: call_store.close(c, call.extension_id, call.fence, days.now()))
        await asyncio.to_thread(close)
        return "released"
    except CallingError:
        return "no answer"
    return await look_into(deps, deps.client(account), call, free=_DONE)


def _in_transaction(deps: TelephonyDependencies, act: Callable[[sa.Connection], T]) -> Callable[[], T]:
    def run() -> T:
        with deps.transaction() as connection:
            return act(connection)

    return run
