"""SQL that lends extensions and takes them back: one statement each."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import psycopg
import sqlalchemy as sa

from calling_pipeline.database.engine import driver_sql

Driver = psycopg.Connection[tuple[object, ...]]


class Attempt(NamedTuple):
    """What one run of the allocating statement saw and did."""

    config_id: int | None
    room: bool
    max_concurrent_calls: int
    known: bool
    total: int
    in_use: int
    free: int
    offline: int
    held_id: int | None
    held_number: str | None
    held_fence: int | None
    lent_id: int | None
    lent_number: str | None
    lent_fence: int | None


def lend(connection: Driver, values: dict[str, object]) -> Attempt:
    """Run the allocating statement once."""
    row = connection.execute(_LEND_SQL, values, prepare=True).fetchone()
    assert row is not None
    return Attempt(*row)  # type: ignore[arg-type]


def lend_alone(connection: Driver, values: dict[str, object]) -> Attempt:
    """The same with nobody else allocating from this tenant's pool: its snapshot is taken once the lock is held.

    One journey to the server; within a transaction of the caller's the lock is held until that ends.
    """
    with connection.pipeline(), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%(limit_lock)s)", values, prepare=True)
        cursor = connection.execute(_LEND_SQL, {**values, "alone": True}, prepare=True)
    row = cursor.fetchone()
    assert row is not None
    return Attempt(*row)  # type: ignore[arg-type]


def give_back(connection: Driver, extension_id: int, fence: int, verdict: str, now: dt.datetime) -> str | None:
    """Free the extension if `fence` is still its token; its state afterwards, None when the token is an old one.

    `verdict` is `good` (failures begin again at nought), `failed` (one more) or `none`.
    """
    values = {"extension_id": extension_id, "fence": fence, "verdict": verdict, "now": now}
    row = connection.execute(_GIVE_BACK_SQL, values, prepare=True).fetchone()
    return None if row is None else str(row[0])


def statement(*parts: str) -> sa.TextClause:
    """One statement of constants of this package; what statements share is written once."""
    return sa.text(" ".join(parts))


_LEND = sa.text(
    """
    WITH config AS MATERIALIZED (
        SELECT id, max_concurrent_calls, coalesce(CAST(:strategy AS text), strategy) AS strategy, cool_down_s
        FROM infinity_configs
        WHERE tenant_id = :tenant AND enabled
    ),
    me AS MATERIALIZED (
        SELECT fence, extension_id FROM collectors WHERE tenant_id = :tenant AND id = :collector AND active
    ),
    held AS MATERIALIZED (
        SELECT e.id, e.number, e.fence
        FROM me JOIN extension_pool e ON e.id = me.extension_id AND e.fence = me.fence AND e.state = 'in_use'
    ),
    limits AS MATERIALIZED (
        SELECT CASE
            WHEN :alone THEN max_concurrent_calls > (
                SELECT count(*) FROM extension_pool WHERE config_id = config.id AND state = 'in_use')
            WHEN max_concurrent_calls >= (
                SELECT count(*) FROM extension_pool WHERE config_id = config.id AND state <> 'offline')
                THEN pg_try_advisory_xact_lock_shared(:limit_lock)
            ELSE false END AS room
        FROM config
    ),
    candidates AS MATERIALIZED (
        SELECT e.id, e.fence,
               CASE config.strategy
                   WHEN 'round_robin' THEN
                       CASE WHEN e.id > (
                           SELECT id FROM extension_pool WHERE config_id = (SELECT id FROM config)
                           ORDER BY fence DESC, id DESC LIMIT 1) THEN 0 ELSE 1 END
                   WHEN 'affinity' THEN CASE WHEN e.id = (SELECT extension_id FROM me) THEN 0 ELSE 1 END
                   ELSE 0
               END AS first_rank,
               CASE config.strategy WHEN 'round_robin' THEN e.id ELSE e.released_turn END AS second_rank
        FROM config JOIN extension_pool e ON e.config_id = config.id
        WHERE e.state = 'available'
          AND NOT (e.ready_at > :now AND e.ready_at <= :now + make_interval(secs => config.cool_down_s))
          AND (SELECT room FROM limits) AND NOT EXISTS (SELECT FROM held)
        ORDER BY first_rank, second_rank, e.id
        LIMIT CAST(:width AS integer)
    ),
    chosen AS (
        SELECT e.id
        FROM candidates c JOIN extension_pool e ON e.id = c.id AND e.fence = c.fence AND e.state = 'available'
        ORDER BY c.first_rank, c.second_rank, c.id
        LIMIT 1
        FOR NO KEY UPDATE OF e SKIP LOCKED
    ),
    claimed AS (
        UPDATE collectors k
        SET fence = nextval('extension_turns'), extension_id = chosen.id
        FROM chosen, me
        WHERE k.tenant_id = :tenant AND k.id = :collector AND k.fence = me.fence
        RETURNING k.fence, k.extension_id
    ),
    lent AS (
        UPDATE extension_pool e
        SET state = 'in_use', holder = :collector, fence = claimed.fence, lent_at = :now,
            lease_until = :now + make_interval(secs => :lease_s)
        FROM claimed
        WHERE e.id = claimed.extension_id
        RETURNING e.id, e.number, e.fence
    )
    SELECT config.id, coalesce((SELECT room FROM limits), false), config.max_concurrent_calls, EXISTS (SELECT FROM me),
           facts.total, facts.in_use, facts.free, facts.offline,
           held.id, held.number, held.fence, lent.id, lent.number, lent.fence
    FROM (SELECT) AS always
    LEFT JOIN config ON true LEFT JOIN held ON true LEFT JOIN lent ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS total,
               count(*) FILTER (WHERE state = 'in_use') AS in_use,
               count(*) FILTER (WHERE state = 'available' AND NOT (
                   ready_at > :now AND ready_at <= :now + make_interval(secs => config.cool_down_s))) AS free,
               count(*) FILTER (WHERE state = 'offline') AS offline
        FROM extension_pool
        WHERE config_id = config.id AND lent.id IS NULL
    ) AS facts ON true
    """
)
"""Lends the extension that the strategy puts first among those free and not locked, to a collector who holds none.

- A row whose token changed since this statement's snapshot was lent (and perhaps given back) meanwhile: it is passed
  over, so the order stays that of the strategy. It stays locked until the statement ends, so only the first `:width` rows
  in line are looked at, and a repetition begins with a fresh snapshot.
- The collector's own row is claimed by compare-and-set on the token of his last allocation: of two allocations for him at
  once one finds it changed and lends nothing; repeated, it finds the extension he holds.
- Round robin's cursor is the extension with the newest token: it is stored with the pool and survives restarts.
- While there are at most `max_concurrent_calls` lines that are not offline the limit cannot be passed and nothing waits.
  Otherwise the caller allocates alone, under the tenant's lock: then the count is exact.
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

_GIVE_BACK = statement(
    "UPDATE extension_pool e SET",
    RELEASED_COLUMNS,
    """
    FROM infinity_configs c
    WHERE e.id = :extension_id AND e.fence = :fence AND e.state = 'in_use' AND c.id = e.config_id
    RETURNING e.state
    """,
)

_LEND_SQL = driver_sql(_LEND)
_GIVE_BACK_SQL = driver_sql(_GIVE_BACK)
