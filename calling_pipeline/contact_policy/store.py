"""All SQL of the contact policy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.contact_policy.records import Attempt, Blocked, Facts

LOCK_PHONES = sa.text("""
SELECT pg_advisory_xact_lock(key)
FROM (SELECT DISTINCT hashtextextended(phone, 20260101) AS key
      FROM unnest(CAST(:phones AS text[])) AS phone ORDER BY 1) AS ordered
""")
"""Everybody takes the locks in the same order, so that two crowds that overlap wait and do not deadlock."""

FACTS = sa.text("""
SELECT same.phone AS recorded_phone, list.forever, list.until, list.source, recent.ats, pair.at AS pair_last
FROM unnest(CAST(:phones AS text[]), CAST(:rooms AS text[]), CAST(:references AS text[]), CAST(:callers AS text[]),
            CAST(:ats AS timestamptz[])) WITH ORDINALITY AS wish (phone, room, reference, caller, at, n)
LEFT JOIN contact_attempts AS same ON same.room = wish.room AND same.reference = wish.reference
LEFT JOIN LATERAL (
    SELECT bool_or(expires_at IS NULL) AS forever, max(expires_at) AS until, min(source) AS source
    FROM do_not_call WHERE phone = wish.phone AND (expires_at IS NULL OR expires_at > wish.at)) AS list ON true
LEFT JOIN LATERAL (
    SELECT array_agg(latest.at ORDER BY latest.at DESC) AS ats FROM (
        SELECT at FROM contact_attempts WHERE phone = wish.phone ORDER BY at DESC LIMIT :depth) AS latest) AS recent ON true
LEFT JOIN LATERAL (
    SELECT max(at) AS at FROM contact_attempts
    WHERE phone = wish.phone AND caller = wish.caller AND at > wish.at - interval '1 day') AS pair ON true
ORDER BY wish.n
""")
"""One row a wish, in their order. The number's latest attempts suffice: a cap of n looks at the n-th latest."""

RECORD = sa.text("""
INSERT INTO contact_attempts (phone, room, reference, caller, tenant, at)
SELECT * FROM unnest(CAST(:phones AS text[]), CAST(:rooms AS text[]), CAST(:references AS text[]),
                     CAST(:callers AS text[]), CAST(:tenants AS integer[]), CAST(:ats AS timestamptz[]))
ON CONFLICT ON CONSTRAINT uq_contact_attempts_room_reference DO NOTHING
""")

WITHDRAW = sa.text("DELETE FROM contact_attempts WHERE room = :room AND reference = ANY(CAST(:references AS text[]))")

REFUSALS = sa.text("""
CREATE TEMPORARY TABLE contact_refusals ON COMMIT DROP AS
SELECT DISTINCT ON (phone) phone, rule FROM (
    SELECT phone, 0 AS n, 'do_not_call' AS rule FROM do_not_call WHERE expires_at IS NULL OR expires_at > :at
    UNION ALL
    SELECT phone, min(cap.n), (array_agg(cap.rule ORDER BY cap.n))[1]
    FROM contact_attempts
    JOIN unnest(CAST(:rules AS text[]), CAST(:limits AS integer[]), CAST(:sinces AS timestamptz[]))
         WITH ORDINALITY AS cap (rule, most, since, n) ON contact_attempts.at > cap.since
    WHERE contact_attempts.at > :oldest
    GROUP BY phone, cap.n, cap.most
    HAVING count(*) >= cap.most) AS refused
ORDER BY phone, n
""")

HOLIDAYS = sa.text("SELECT day FROM contact_holidays WHERE day >= :first")

BLOCK = sa.text("""
INSERT INTO do_not_call AS entry (phone, source, expires_at, note, added_by, added_at)
SELECT DISTINCT ON (phone) phone, :source, expires_at, note, :by, :now
FROM unnest(CAST(:phones AS text[]), CAST(:expiries AS timestamptz[]), CAST(:notes AS text[]))
     WITH ORDINALITY AS new (phone, expires_at, note, n)
ORDER BY phone, expires_at DESC NULLS FIRST, n
ON CONFLICT ON CONSTRAINT pk_do_not_call DO UPDATE
SET expires_at = excluded.expires_at, note = excluded.note, added_by = excluded.added_by, added_at = excluded.added_at
WHERE (entry.expires_at, entry.note) IS DISTINCT FROM (excluded.expires_at, excluded.note)
RETURNING (xmax = 0) AS created
""")
"""Of one number named twice the longest prohibition stays."""

UNBLOCK = sa.text("DELETE FROM do_not_call WHERE phone = :phone AND (CAST(:source AS text) IS NULL OR source = :source)")

BLOCKED = sa.text("""
SELECT phone, source, expires_at, note, added_by, added_at FROM do_not_call
WHERE (CAST(:source AS text) IS NULL OR source = :source) AND (CAST(:phone AS text) IS NULL OR phone = :phone)
  AND (:with_expired OR expires_at IS NULL OR expires_at > :now)
ORDER BY added_at DESC, phone LIMIT :limit
""")

COUNT_BLOCKED = sa.text("""
SELECT source, count(*) AS entries, count(*) FILTER (WHERE expires_at IS NOT NULL AND expires_at <= :now) AS expired
FROM do_not_call GROUP BY source ORDER BY source
""")

ADD_HOLIDAY = sa.text("""
INSERT INTO contact_holidays (day, name) VALUES (:day, :name) ON CONFLICT (day) DO UPDATE SET name = excluded.name
""")
REMOVE_HOLIDAY = sa.text("DELETE FROM contact_holidays WHERE day = :day")
ALL_HOLIDAYS = sa.text("SELECT day, name FROM contact_holidays ORDER BY day")


def lock_phones(connection: sa.Connection, phones: Sequence[str]) -> None:
    """Make every other asker of these numbers wait until this transaction ends."""
    connection.execute(LOCK_PHONES, {"phones": list(phones)})


def facts(connection: sa.Connection, attempts: Sequence[Attempt], depth: int) -> list[Facts]:
    """What is known of each attempt's number, in their order."""
    rows = connection.execute(FACTS, {**_columns(attempts), "depth": depth})
    return [
        Facts(
            blocked=row.source is not None,
            blocked_by=row.source or "",
            blocked_until=None if row.forever else row.until,
            recent=tuple(row.ats or ()),
            pair_last=row.pair_last,
            recorded_phone=row.recorded_phone,
        )
        for row in rows
    ]


def record(connection: sa.Connection, attempts: Sequence[Attempt]) -> int:
    """Write the attempts; returns how many were new."""
    tenants = [attempt.tenant for attempt in attempts]
    return connection.execute(RECORD, {**_columns(attempts), "tenants": tenants}).rowcount


def withdraw(connection: sa.Connection, room: str, references: Sequence[str]) -> int:
    """Forget attempts that did not happen; returns how many there were."""
    return connection.execute(WITHDRAW, {"room": room, "references": list(references)}).rowcount


def collect_refusals(connection: sa.Connection, at: dt.datetime, caps: Sequence[tuple[str, int, dt.datetime]]) -> None:
    """Make the temporary table `contact_refusals(phone, rule)`; `caps` are (rule, limit, counted after)."""
    rules, limits, sinces = ([cap[n] for cap in caps] for n in range(3))
    oldest = min((cap[2] for cap in caps), default=at)
    connection.execute(REFUSALS, {"at": at, "rules": rules, "limits": limits, "sinces": sinces, "oldest": oldest})


def holidays(connection: sa.Connection, first: dt.date) -> frozenset[dt.date]:
    """The holidays from `first` on."""
    return frozenset(connection.execute(HOLIDAYS, {"first": first}).scalars())


def block(
    connection: sa.Connection,
    entries: Sequence[tuple[str, dt.datetime | None, str]],
    *,
    source: str,
    by: str,
    now: dt.datetime,
) -> tuple[int, int]:
    """Put (phone, expiry, note) on the list; returns how many are new and how many were changed."""
    phones, expiries, notes = ([entry[n] for entry in entries] for n in range(3))
    values = {"phones": phones, "expiries": expiries, "notes": notes, "source": source, "by": by, "now": now}
    created = list(connection.execute(BLOCK, values).scalars())
    return sum(created), len(created) - sum(created)


def unblock(connection: sa.Connection, phone: str, source: str | None) -> int:
    """Take a number off the list, of one source or of all; returns how many entries there were."""
    return connection.execute(UNBLOCK, {"phone": phone, "source": source}).rowcount


def blocked(
    connection: sa.Connection,
    now: dt.datetime,
    *,
    source: str | None = None,
    phone: str | None = None,
    with_expired: bool = False,
    limit: int = 100,
) -> list[Blocked]:
    """Entries of the list, newest first."""
    values = {"now": now, "source": source, "phone": phone, "with_expired": with_expired, "limit": limit}
    return [Blocked(*row) for row in connection.execute(BLOCKED, values)]


def count_blocked(connection: sa.Connection, now: dt.datetime) -> list[tuple[str, int, int]]:
    """(source, entries, of them expired)."""
    return [(row.source, row.entries, row.expired) for row in connection.execute(COUNT_BLOCKED, {"now": now})]


def add_holiday(connection: sa.Connection, day: dt.date, name: str) -> None:
    """Name a day a holiday."""
    connection.execute(ADD_HOLIDAY, {"day": day, "name": name})


def remove_holiday(connection: sa.Connection, day: dt.date) -> int:
    """Make it an ordinary day again; returns 0 when it was one."""
    return connection.execute(REMOVE_HOLIDAY, {"day": day}).rowcount


def all_holidays(connection: sa.Connection) -> list[tuple[dt.date, str]]:
    """Every holiday, in order."""
    return [(row.day, row.name) for row in connection.execute(ALL_HOLIDAYS)]


def _columns(attempts: Sequence[Attempt]) -> dict[str, list[object]]:
    return {
        "phones": [attempt.phone for attempt in attempts],
        "rooms": [attempt.room for attempt in attempts],
        "references": [attempt.reference for attempt in attempts],
        "callers": [attempt.caller for attempt in attempts],
        "ats": [attempt.at for attempt in attempts],
    }
