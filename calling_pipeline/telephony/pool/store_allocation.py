"""SQL that lends extensions and takes them back."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import psycopg
import sqlalchemy as sa

from calling_pipeline.database.prepared import Prepared

Driver = psycopg.Connection[tuple[object, ...]]


class Attempt(NamedTuple):
    """What one run of `lend_extension` saw and did.

    `room`: the limit of concurrent calls was not in the way. The pool is counted (`total` and what follows) only when
    nothing was lent.
    """

    config_id: int | None
    known: bool
    room: bool
    extension_id: int | None
    number: str
    fence: int
    repeated: bool
    allowed: int
    total: int
    in_use: int
    free: int
    offline: int


def lend(connection: Driver, values: dict[str, object]) -> Attempt:
    """Run the allocating function once."""
    row = _LEND.one(connection, values)
    assert row is not None
    return Attempt(*row)


def give_back(connection: Driver, extension_id: int, fence: int, verdict: str, now: dt.datetime) -> str | None:
    """Free the extension if `fence` is still its token; its state afterwards, None when the token is an old one.

    `verdict` is `good` (failures begin again at nought), `failed` (one more) or `none`.
    """
    values = {"extension_id": extension_id, "fence": fence, "verdict": verdict, "now": now}
    row = _FREE.one(connection, values) if verdict != "failed" else None
    row = row or _GIVE_BACK.one(connection, values)
    return None if row is None else str(row[0])


def statement(*parts: str) -> sa.TextClause:
    """One statement of constants of this package; what statements share is written once."""
    return sa.text(" ".join(parts))


_LEND = Prepared(
    sa.text(
        "SELECT * FROM lend_extension("
        "CAST(:tenant AS bigint), CAST(:collector AS bigint), CAST(:strategy AS text), CAST(:now AS timestamptz),"
        " CAST(:lease_s AS double precision), CAST(:alone AS boolean), CAST(:limit_lock AS bigint))"
    )
)
"""Lends the extension that the strategy puts first among those free and not locked, to a collector who holds none.

The function (migration 0008) is one journey and one transaction; each of its parts sees what was committed before it began.

- It notes the turn reached before it reads the pool. A row given back after that was lent and returned meanwhile: it is
  passed over, also when the change came between reading and locking it, so the order stays that of the strategy.
- The collector's own row is claimed by compare-and-set on the token of his last allocation: of two allocations for him at
  once one finds it changed and lends nothing; repeated, it finds the extension he holds.
- Round robin's cursor is the extension with the newest token: it is stored with the pool and survives restarts.
- While there are at most `max_concurrent_calls` lines that are not offline the limit cannot be passed and nothing waits.
  Otherwise the caller allocates alone, under the tenant's lock, which it holds until its transaction ends: then the count
  is exact.
- The pool is counted only when nothing was lent, to say why.
- A clock set back leaves `ready_at` further off than any cool-down can be: that counts as ready.
"""

RELEASED_COLUMNS = """
    state = CASE WHEN e.draining OR (:verdict = 'failed' AND c.quarantine_after > 0 AND e.failures + 1 >= c.quarantine_after)
                 THEN 'offline' ELSE 'available' END,
    offline_reason = CASE
        WHEN :verdict = 'failed' AND c.quarantine_after > 0 AND e.failures + 1 >= c.quarantine_after
            THEN 'quarantine: ' || (e.failures + 1) || ' failures in a row'
        WHEN e.draining THEN e.offline_reason ELSE '' END,
    quarantined_until = CASE
        WHEN :verdict = 'failed' AND c.quarantine_after > 0 AND e.failures + 1 >= c.quarantine_after AND c.quarantine_s > 0
            THEN :now + make_interval(secs => c.quarantine_s) END,
    failures = CASE :verdict WHEN 'failed' THEN e.failures + 1 WHEN 'good' THEN 0 ELSE e.failures END,
    draining = false, holder = NULL, lease_until = NULL, released_turn = nextval('extension_turns'),
    last_used_at = :now, ready_at = :now + make_interval(secs => c.cool_down_s)
"""
"""What a release changes; `e` is the pool, `c` its configuration. Shared by every statement that frees an extension."""

_GIVE_BACK = Prepared(
    statement(
        "UPDATE extension_pool e SET",
        RELEASED_COLUMNS,
        """
        FROM infinity_configs c
        WHERE e.id = :extension_id AND e.fence = :fence AND e.state = 'in_use' AND c.id = e.config_id
        RETURNING e.state
        """,
    )
)

_FREE = Prepared(
    sa.text(
        """
        UPDATE extension_pool e
        SET state = 'available', failures = CASE :verdict WHEN 'good' THEN 0 ELSE e.failures END, holder = NULL,
            lease_until = NULL, released_turn = nextval('extension_turns'), last_used_at = :now,
            ready_at = :now + make_interval(secs => c.cool_down_s)
        FROM infinity_configs c
        WHERE e.id = :extension_id AND e.fence = :fence AND e.state = 'in_use' AND NOT e.draining AND c.id = e.config_id
        RETURNING e.state
        """
    )
)
"""`_GIVE_BACK` where nothing failed and nobody took the extension offline meanwhile: nearly always, and far cheaper."""
