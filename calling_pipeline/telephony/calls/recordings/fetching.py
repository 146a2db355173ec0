"""Fetches recordings before the vendor's links expire: claimed in the database, encrypted while they come, kept whole.

A process that is killed leaves a part that nobody reads; its claim runs out and another process fetches anew.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from typing import Literal

from calling_pipeline import days
from calling_pipeline.errors import CallingError
from calling_pipeline.telephony.calls.recordings import store
from calling_pipeline.telephony.calls.recordings.keeping import Keeping, owner_of
from calling_pipeline.telephony.calls.recordings.records import Fetch, Fetched
from calling_pipeline.telephony.calls.recordings.sealed_files import SealedWriter
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import Account
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.vendors.recordings import Downloaded, NotDownloaded, RecordingDownloads, expiry_of

AT_ONCE = 4
_FIRST_PAUSE_S = 30.0
_LONGEST_PAUSE_S = 3600.0
_CLAIM_SLACK_S = 120.0
Result = Literal["kept", "later", "lost"]


async def fetch_due(deps: TelephonyDependencies, keeping: Keeping, *, limit: int = 40) -> Fetched:
    """One round: queue what became known, fetch at most `limit` recordings. Several processes may run it at once."""
    queued = await asyncio.to_thread(_queue, deps, keeping, 10 * limit)
    until = days.now() + dt.timedelta(seconds=keeping.limits.whole_s * -(-limit // AT_ONCE) + _CLAIM_SLACK_S)
    claimed = await asyncio.to_thread(_claim, deps, until, limit)
    if not claimed:
        return Fetched(queued=queued)
    turns = asyncio.Semaphore(AT_ONCE)
    downloads = RecordingDownloads(keeping.reach, keeping.limits)

    async def one(fetch: Fetch) -> Result:
        async with turns:
            return await _fetch(deps, keeping, downloads, fetch)

    try:
        results = Counter(await asyncio.gather(*(one(fetch) for fetch in claimed)))
    finally:
        await downloads.aclose()
    return Fetched(queued, results["kept"], results["later"], results["lost"])


def _queue(deps: TelephonyDependencies, keeping: Keeping, limit: int) -> int:
    now = days.now()
    with deps.transaction() as connection:
        new = store.take_new(connection, limit)
        for one in new:
            store.want(connection, one, now=now, expires_at=expiry_of(one.link) or now + keeping.link_lasts)
    return len(new)


def _claim(deps: TelephonyDependencies, until: dt.datetime, limit: int) -> list[Fetch]:
    with deps.transaction() as connection:
        return store.claim(connection, now=days.now(), until=until, limit=limit)


async def _fetch(deps: TelephonyDependencies, keeping: Keeping, downloads: RecordingDownloads, fetch: Fetch) -> Result:
    name = _name(fetch, fetch.claim)
    try:
        got = await _written(keeping, downloads, fetch, name, fetch.link)
    except NotDownloaded as trouble:
        if trouble.trouble == "gone":
            again = await _by_new_link(deps, keeping, downloads, fetch, name)
            if again is not None:
                return await asyncio.to_thread(_keep, deps, keeping, fetch, name, again)
        return await asyncio.to_thread(_not_kept, deps, fetch, trouble)
    return await asyncio.to_thread(_keep, deps, keeping, fetch, name, got)


async def _written(keeping: Keeping, downloads: RecordingDownloads, fetch: Fetch, name: str, link: str) -> Downloaded:
    """The recording in its place, encrypted; nothing is there when it did not come whole."""
    with keeping.store.writing(name) as file:
        writer = SealedWriter(file, keeping.key, owner_of(fetch.tenant_id, fetch.record_id))
        got = await downloads.download(link, writer.write)
        writer.finish()
    return got


async def _by_new_link(
    deps: TelephonyDependencies, keeping: Keeping, downloads: RecordingDownloads, fetch: Fetch, name: str
) -> Downloaded | None:
    """The same by a link that Infinity makes anew, where the bill has named the recording's file; None without success."""
    if not fetch.recording_file:
        return None
    try:
        account = await asyncio.to_thread(_account, deps, fetch.config_id)
        link = await deps.client(account).recording_url(fetch.recording_file)
        return await _written(keeping, downloads, fetch, name, link)
    except (CallingError, NotDownloaded):
        return None


def _account(deps: TelephonyDependencies, config_id: int) -> Account:
    with deps.transaction() as connection:
        return accounts.account_of(connection, deps.secrets, config_id)


def _keep(deps: TelephonyDependencies, keeping: Keeping, fetch: Fetch, name: str, got: Downloaded) -> Result:
    with deps.transaction() as connection:
        kept = store.keep(connection, fetch, file=name, size=got.size, media_type=got.media_type, now=days.now())
    if not kept:
        keeping.store.delete(name)
        return "later"
    for earlier in range(1, fetch.claim):  # of processes that ended between file and row
        keeping.store.delete(_name(fetch, earlier))
    return "kept"


def _not_kept(deps: TelephonyDependencies, fetch: Fetch, trouble: NotDownloaded) -> Result:
    now = days.now()
    pause_s = min(_FIRST_PAUSE_S * 2 ** (fetch.attempts - 1), _LONGEST_PAUSE_S)
    again = now + dt.timedelta(seconds=pause_s)
    last_chance = fetch.expires_at - dt.timedelta(seconds=_FIRST_PAUSE_S)
    with deps.transaction() as connection:
        if trouble.trouble == "refused":
            store.give_up(connection, fetch, state="refused", failure=str(trouble), now=now)
            return "lost"
        if now >= last_chance:
            store.give_up(connection, fetch, state="expired", failure=str(trouble), now=now)
            return "lost"
        store.postpone(connection, fetch, until=min(again, last_chance), failure=str(trouble))
    return "later"


def _name(fetch: Fetch, claim: int) -> str:
    return f"{fetch.tenant_id}/{fetch.record_id // 1000}/{fetch.record_id}-{claim}.rec"
