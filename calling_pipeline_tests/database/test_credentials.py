"""Tokens of vendors: encrypted, shared, refreshed once, and a late refresher changes nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.database.credentials import CredentialStore, Fetched
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import VendorUnavailable

BOX = SecretBox(b"a key for tests that is long enough")


class Vendor:
    """Issues token-1, token-2, …; each good for two hours."""

    def __init__(self):
        self.issued = 0
        self.lock = threading.Lock()

    async def fetch(self):
        with self.lock:
            self.issued += 1
            number = self.issued
        await asyncio.sleep(0.01)
        return Fetched(f"token-{number}", days.now() + dt.timedelta(hours=2))


def test_a_token_is_fetched_once_and_found_by_another_process(engine):
    vendor = Vendor()
    first = asyncio.run(CredentialStore(engine, BOX).token("v", vendor.fetch))
    second = asyncio.run(CredentialStore(engine, BOX).token("v", vendor.fetch))
    assert (first.secret, second.secret, vendor.issued) == ("token-1", "token-1", 1)


def test_the_token_is_not_readable_in_the_table_nor_in_a_repr(engine):
    token = asyncio.run(CredentialStore(engine, BOX).token("v", Vendor().fetch))
    with engine.connect() as connection:
        sealed = connection.execute(sa.text("SELECT sealed FROM vendor_credentials")).scalar_one()
    assert b"token-1" not in sealed
    assert "token-1" not in repr(token)


def test_of_many_callers_in_one_loop_and_in_many_processes_one_fetches(engine):
    vendor = Vendor()

    def process(_):
        async def callers():
            store = CredentialStore(engine, BOX)
            return await asyncio.gather(*(store.token("v", vendor.fetch) for _ in range(8)))

        return asyncio.run(callers())

    with ThreadPoolExecutor(8) as pool:
        tokens = [token.secret for many in pool.map(process, range(8)) for token in many]
    assert (set(tokens), vendor.issued) == ({"token-1"}, 1)


def test_a_refused_token_is_replaced_once_for_all_who_held_it(engine):
    vendor = Vendor()
    stores = [CredentialStore(engine, BOX) for _ in range(6)]
    old = [asyncio.run(store.token("v", vendor.fetch)) for store in stores]
    with ThreadPoolExecutor(6) as pool:
        new = list(pool.map(lambda n: asyncio.run(stores[n].token("v", vendor.fetch, refused=old[n])), range(6)))
    assert ({token.secret for token in new}, vendor.issued) == ({"token-2"}, 2)


def test_a_token_about_to_expire_is_fetched_anew(engine):
    vendor, store = Vendor(), CredentialStore(engine, BOX)
    asyncio.run(store.token("v", vendor.fetch))
    with days.frozen(days.now() + dt.timedelta(minutes=119)):
        assert asyncio.run(store.token("v", vendor.fetch)).secret == "token-2"


def test_a_late_refresher_never_overwrites_a_newer_token(engine):
    store = CredentialStore(engine, BOX)
    asyncio.run(store.token("v", Vendor().fetch))
    later = days.now() + dt.timedelta(hours=2)
    with engine.begin() as connection:
        newer = store.replace(connection, "v", Fetched("newer", later), seen=1)
        late = store.replace(connection, "v", Fetched("late", later), seen=1)
    assert (newer.secret, newer.version) == ("newer", 2)
    assert (late.secret, late.version) == ("newer", 2)


def test_a_failed_fetch_leaves_no_trace_and_frees_the_lock(engine):
    async def fail():
        raise VendorUnavailable("no answer")

    store = CredentialStore(engine, BOX)
    with pytest.raises(VendorUnavailable):
        asyncio.run(store.token("v", fail))
    assert asyncio.run(store.token("v", Vendor().fetch)).secret == "token-1"


def test_a_token_sealed_with_another_key_is_fetched_anew(engine):
    vendor = Vendor()
    asyncio.run(CredentialStore(engine, SecretBox(b"the key before this one")).token("v", vendor.fetch))
    token = asyncio.run(CredentialStore(engine, BOX).token("v", vendor.fetch))
    assert (token.secret, token.version) == ("token-2", 2)
