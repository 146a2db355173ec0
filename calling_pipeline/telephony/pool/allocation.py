"""Allocates one extension to one collector for one call, and releases it.

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
from calling_pipeline.telephony.pool import store
from calling_pipeline.telephony.pool.store import Attempt, Driver, Verdict
from calling_pipeline.telephony.records import Allocation, Refusal, Strategy

PATIENCE_S = 0.2
"""How long an allocation is tried again when every free extension was being taken at that instant."""
HOLD_LIMIT = dt.timedelta(minutes=2)
"""How long an extension may be held without an open call before the sweep looks into it."""

_TURNS = threading.BoundedSemaphore(16)
"""Allocating statements this process runs at once.

More would only lock extensions that others could take, because each waits for a CPU core while it holds its locks. This is
a throttle for speed; correctness does not depend on it.
"""


def allocate(
    connection: Driver,
    tenant_id: int,
    collector_id: int,
    *,
    strategy: Strategy | None = None,
    hold_limit: dt.timedelta = HOLD_LIMIT,
) -> Allocation | Refusal:
    """Allocate the extension that `strategy` (the configuration's own when None) puts first.

    A collector who holds an extension already gets that one again. `connection` is psycopg's, in autocommit mode or within
    a transaction of the caller. Waits at most 0.2 s, and only for free extensions that others have locked at this moment.
    In autocommit mode it then allocates under the tenant's exclusive lock, and refuses as `busy` only if that fails too. A
    transaction never does so: it keeps its shared lock until it ends, and two that both waited for the exclusive lock would
    block each other.
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
            seen = store.allocate(connection, values)
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
    """Release the extension; False, and nothing changed, when it was released or allocated anew since `allocated`."""
    return store.release(connection, allocated.extension_id, allocated.fence, verdict, days.now())


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
    return "again" if alone or seen.below_limit else "alone"


def _refusal(seen: Attempt, reason: Literal["none_free", "over_limit", "busy"]) -> Refusal:
    cooling = seen.total - seen.in_use - seen.free - seen.offline
    return Refusal(reason, seen.total, seen.in_use, seen.free, cooling, seen.offline)


@cache
def _limit_lock(tenant_id: int) -> int:
    return lock_key("telephony limit", tenant_id)
