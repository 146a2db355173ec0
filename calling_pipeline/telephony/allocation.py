"""Lends one extension to one collector for one call, and takes it back.

Exact under concurrency: an extension has one holder, a collector holds one extension, and a refusal says why.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from typing import Literal

from calling_pipeline import days
from calling_pipeline.database.locks import lock_key
from calling_pipeline.telephony import store_allocation as store
from calling_pipeline.telephony.records import Lease, Refusal, Strategy
from calling_pipeline.telephony.store_allocation import Attempt, Driver

PATIENCE_S = 0.2
"""How long an allocation is tried again when every free extension was being taken at that instant."""
LEASE = dt.timedelta(minutes=2)
"""How long an extension may be held without an open call before the sweep looks into it."""

Verdict = Literal["good", "failed", "none"]


def allocate(
    connection: Driver, tenant_id: int, collector_id: int, *, strategy: Strategy | None = None, lease: dt.timedelta = LEASE
) -> Lease | Refusal:
    """Lend the extension that `strategy` (the configuration's own when None) puts first; the one he holds already if any.

    `connection` is psycopg's, in autocommit mode or within a transaction of the caller's. Waits 0.2 s at most, and
    only for extensions that are free but being taken by others this instant.
    """
    values: dict[str, object] = {
        "tenant": tenant_id,
        "collector": collector_id,
        "strategy": strategy,
        "limit_lock": _limit_lock(tenant_id),
        "strict": False,
    }
    deadline = time.monotonic() + PATIENCE_S
    strict = False
    while True:
        now = days.now()
        values.update(now=now, lease_until=now + lease)
        seen = _strictly(connection, values, tenant_id) if strict else store.lend(connection, values)
        verdict = _verdict(seen, strict=strict)
        if verdict == "under the limit's lock":
            strict = True
        elif verdict != "again":
            return verdict
        elif time.monotonic() > deadline:
            return _refusal(seen, "busy")
        else:
            time.sleep(random.uniform(0.0005, 0.003))


def release(connection: Driver, lease: Lease, verdict: Verdict = "good") -> bool:
    """Give the extension back; False, and nothing changed, when `lease` is not its newest one."""
    return store.give_back(connection, lease.extension_id, lease.fence, verdict, days.now()) is not None


def _strictly(connection: Driver, values: dict[str, object], tenant_id: int) -> Attempt:
    """The statement again, alone under the tenant's limit: its snapshot is taken once the lock is held."""
    with connection.transaction():
        store.hold_limit(connection, _limit_lock(tenant_id))
        return store.lend(connection, {**values, "strict": True})


def _verdict(seen: Attempt, *, strict: bool) -> Lease | Refusal | Literal["again", "under the limit's lock"]:
    if seen.config_id is None:
        return Refusal("no_config")
    if not seen.known:
        return Refusal("no_collector")
    if seen.held_id is not None:
        return Lease(seen.held_id, str(seen.held_number), seen.held_fence or 0, seen.config_id, repeated=True)
    if seen.lent_id is not None:
        return Lease(seen.lent_id, str(seen.lent_number), seen.lent_fence or 0, seen.config_id)
    if seen.in_use >= seen.max_concurrent_calls and (strict or seen.total - seen.offline > seen.max_concurrent_calls):
        return _refusal(seen, "over_limit")
    if seen.free == 0:
        return _refusal(seen, "none_free")
    return "again" if strict or seen.room else "under the limit's lock"


def _refusal(seen: Attempt, reason: Literal["none_free", "over_limit", "busy"]) -> Refusal:
    cooling = seen.total - seen.in_use - seen.free - seen.offline
    return Refusal(reason, seen.total, seen.in_use, seen.free, cooling, seen.offline)


def _limit_lock(tenant_id: int) -> int:
    return lock_key("telephony limit", tenant_id)
