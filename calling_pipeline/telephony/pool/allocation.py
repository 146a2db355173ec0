"""Lends one extension to one collector for one call, and takes it back.

Exact under concurrency: an extension has one holder, a collector holds one extension, and a refusal says why.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from functools import cache
from typing import Literal

from psycopg.pq import TransactionStatus

from calling_pipeline import days
from calling_pipeline.database.locks import lock_key
from calling_pipeline.telephony.pool import store_allocation as store
from calling_pipeline.telephony.pool.store_allocation import Attempt, Driver
from calling_pipeline.telephony.records import Allocation, Refusal, Strategy

PATIENCE_S = 0.2
"""How long an allocation is tried again when every free extension was being taken at that instant."""
HOLD_LIMIT = dt.timedelta(minutes=2)
"""How long an extension may be held without an open call before the sweep looks into it."""

_TURNS = threading.BoundedSemaphore(16)
"""Allocating statements this process runs at once: more only lock one another's lines in vain, for each waits for a core
while it holds them. A throttle and nothing else: what is right does not depend on it."""

Verdict = Literal["good", "failed", "none"]


def allocate(
    connection: Driver,
    tenant_id: int,
    collector_id: int,
    *,
    strategy: Strategy | None = None,
    hold_limit: dt.timedelta = HOLD_LIMIT,
) -> Allocation | Refusal:
    """Lend the extension that `strategy` (the configuration's own when None) puts first; the one he holds already if any.

    `connection` is psycopg's, in autocommit mode or within a transaction of the caller's. Waits 0.2 s at most, and
    only for extensions that are free but being taken by others this instant. In autocommit mode it then allocates with
    nobody else at it, and calls the pool busy only if that fails as well; a transaction holds its share of the lock until
    it ends, so two of them must not both ask for all.
    """
    values: dict[str, object] = {
        "tenant": tenant_id,
        "collector": collector_id,
        "strategy": strategy,
        "limit_lock": _limit_lock(tenant_id),
        "alone": False,
        "lease_s": hold_limit.total_seconds(),
    }
    deadline = time.monotonic() + PATIENCE_S
    may_queue = connection.info.transaction_status == TransactionStatus.IDLE
    while True:
        values["now"] = days.now()
        with _TURNS:
            seen = store.lend(connection, values)
        verdict = _verdict(seen, alone=bool(values["alone"]))
        if not isinstance(verdict, str):
            return verdict
        if verdict == "alone":
            values["alone"] = True
        elif time.monotonic() < deadline:
            time.sleep(random.uniform(0.0005, 0.003))
        elif may_queue and not values["alone"]:
            values["alone"] = True
        else:
            return _refusal(seen, "busy")


def release(connection: Driver, allocated: Allocation, verdict: Verdict = "good") -> bool:
    """Give the extension back; False, and nothing changed, when `allocated` is not its newest one."""
    return store.give_back(connection, allocated.extension_id, allocated.fence, verdict, days.now()) is not None


def _verdict(seen: Attempt, *, alone: bool) -> Allocation | Refusal | Literal["again", "alone"]:
    if seen.extension_id is not None and seen.config_id is not None:
        return Allocation(seen.extension_id, seen.number, seen.fence, seen.config_id, seen.repeated)
    if seen.config_id is None:
        return Refusal("no_config")
    if not seen.known:
        return Refusal("no_collector")
    if seen.in_use >= seen.allowed and (alone or seen.total - seen.offline > seen.allowed):
        return _refusal(seen, "over_limit")
    if seen.free == 0:
        return _refusal(seen, "none_free")
    return "again" if alone or seen.room else "alone"


def _refusal(seen: Attempt, reason: Literal["none_free", "over_limit", "busy"]) -> Refusal:
    cooling = seen.total - seen.in_use - seen.free - seen.offline
    return Refusal(reason, seen.total, seen.in_use, seen.free, cooling, seen.offline)


@cache
def _limit_lock(tenant_id: int) -> int:
    return lock_key("telephony limit", tenant_id)
