"""Reconciles a day of communication records with Infinity's bill.

What we never learned about a call is taken from the bill; what differs is counted.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.activity.noting import note, note_judgeable
from calling_pipeline.contact_policy.erased.entering import Entrance
from calling_pipeline.errors import CallingError, InvalidInput
from calling_pipeline.masking import mask_digits, mask_phone, phone_hash
from calling_pipeline.phones import read_phone
from calling_pipeline.telephony.billing import store as bill_store
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import Account, Reconciled
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.telephony.tenants import store as tenant_store
from calling_pipeline.vendors.infinity.client import InfinityClient
from calling_pipeline.vendors.infinity.records import BilledCall

ASSET = "communication_records"
SETTLING = dt.timedelta(minutes=30)
"""A call younger than this need not be on the bill yet."""
_RECORDINGS_AT_ONCE = 8
_RECORDINGS_PER_DAY = 20_000


async def reconcile_day(deps: TelephonyDependencies, day: dt.date, *, tenant_id: int | None = None) -> list[Reconciled]:
    """Every configuration's day, or those of one tenant.

    Raises what the first configuration that failed raised, after the others are done.
    """
    known = await asyncio.to_thread(_accounts, deps, tenant_id)
    results = await asyncio.gather(*(reconcile(deps, account, day) for account in known), return_exceptions=True)
    failed = [result for result in results if isinstance(result, BaseException)]
    done = [result for result in results if isinstance(result, Reconciled)]
    await asyncio.to_thread(_note, deps, day, done, whole=not failed)
    if failed:
        raise failed[0]
    return done


def _note(deps: TelephonyDependencies, day: dt.date, done: Sequence[Reconciled], *, whole: bool) -> None:
    """The page of the day has changed; after a bill that could not be read its checks alone are judged anew."""
    with deps.transaction() as connection:
        if whole:
            note(connection, ASSET, day, billed=sum(one.billed for one in done), settled=sum(one.settled for one in done))
        else:
            note_judgeable(connection, ASSET, day)


async def reconcile_by_hand(
    deps: TelephonyDependencies, day: dt.date, *, tenant_id: int | None = None, who: str
) -> list[Reconciled]:
    """`reconcile_day` on a person's order. Raises `InvalidInput` for a day to come, and what `reconcile_day` raises."""
    if day > days.today():
        raise InvalidInput(f"{day} has not begun; name a day up to today", field="day")
    results = await reconcile_day(deps, day, tenant_id=tenant_id)
    await asyncio.to_thread(_note_order, deps, day, results, tenant_id, who)
    return results


def _note_order(
    deps: TelephonyDependencies, day: dt.date, results: Sequence[Reconciled], tenant_id: int | None, who: str
) -> None:
    after = {name: sum(getattr(result, name) for result in results) for name in ("billed", "matched", "settled")}
    with deps.transaction() as connection:
        note_act(connection, "bill.reconcile", f"day:{day}", by=who, tenant_id=tenant_id, after=after)


async def reconcile(deps: TelephonyDependencies, account: Account, day: dt.date) -> Reconciled:
    """One configuration's day. The whole bill is read before anything is written: an incomplete one changes nothing."""
    client = deps.client(account)
    first, end = days.day_bounds(day)
    billed = [call async for call in client.bill(first, end - dt.timedelta(seconds=1))]
    settled = await asyncio.to_thread(_apply, deps, account, day, billed)
    recordings = await _fetch_recordings(deps, client, account, day)
    with deps.transaction() as connection:
        as_kept = _compared(connection, account.config_id, account.tenant_id, day)
    return replace(as_kept, settled=settled, recordings=recordings)


def compare_day(connection: sa.Connection, day: dt.date) -> list[Reconciled]:
    """Every configuration's day as the tables hold it now; nothing is fetched or changed."""
    rows, _ = tenant_store.configs(connection, tenant_id=None)
    return [_compared(connection, row.id, row.tenant_id, day) for row in rows]


def _compared(connection: sa.Connection, config_id: int, tenant_id: int, day: dt.date) -> Reconciled:
    counts = bill_store.counts(connection, config_id, day, *days.day_bounds(day), days.now() - SETTLING)
    return Reconciled(config_id=config_id, tenant_id=tenant_id, day=day, **counts._mapping)


def _accounts(deps: TelephonyDependencies, tenant_id: int | None) -> list[Account]:
    with deps.transaction() as connection:
        rows, _ = tenant_store.configs(connection, tenant_id=tenant_id)
        return [accounts.account(deps.secrets, row) for row in rows]


def _apply(deps: TelephonyDependencies, account: Account, day: dt.date, billed: list[BilledCall]) -> int:
    now = days.now()
    with deps.transaction() as connection:
        entrance = Entrance(connection)
        lines = [_line(call, deps.phone_key, entrance) for call in billed]
        bill_store.keep_day(connection, account.config_id, day, lines, reported=len(billed), now=now)
        bill_store.match(connection, account.config_id, day)
        call_store.match_callbacks(connection, now)
        return bill_store.settle(connection, account.config_id, day, now)


def _line(call: BilledCall, phone_key: bytes, entrance: Entrance) -> bill_store.BillLine:
    destination = read_phone(call.destination).phone or call.destination
    token = entrance.token(destination)
    return bill_store.BillLine(
        call_uuid=call.call_uuid,
        extension_number=call.extension,
        destination_masked="" if token else mask_phone(destination),
        destination_hash=phone_hash(phone_key, token or destination),
        started_at=call.started_at,
        duration_s=call.duration_s,
        hangup=mask_digits(call.hangup)[:200],
        state=call.result,
        recording_file=None if token else call.recording_file,
    )


async def _fetch_recordings(deps: TelephonyDependencies, client: InfinityClient, account: Account, day: dt.date) -> int:
    """Fetch addresses of the day's recordings; how many. One that fails is tried again by the next reconciliation."""
    with deps.transaction() as connection:
        wanted = bill_store.without_recording(connection, account.config_id, day, _RECORDINGS_PER_DAY)
    turns = asyncio.Semaphore(_RECORDINGS_AT_ONCE)

    async def fetch(record_id: int, file: str) -> tuple[int, str] | None:
        async with turns:
            try:
                return record_id, await client.recording_url(file)
            except CallingError:
                return None

    found = [answer for answer in await asyncio.gather(*(fetch(*want) for want in wanted)) if answer is not None]
    with deps.transaction() as connection:
        for record_id, url in found:
            bill_store.keep_recording(connection, record_id, url)
    return len(found)
