"""The SQL of the contact policy. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from calling_pipeline.contact_policy.erased import store as erased
from calling_pipeline.contact_policy.erased.entering import Entrance
from calling_pipeline.contact_policy.records import Attempt, Blocked, EntryState, Facts, Recent
from calling_pipeline.contact_policy.tables import contact_attempts, contact_holidays, do_not_call, do_not_call_history
from calling_pipeline.database.sql import load
from calling_pipeline.phones import class_of

FACTS = load("contact_policy/facts")
_LOCK_PHONES = load("contact_policy/lock_phones")
_RECORD = load("contact_policy/record")
_COLLECT_REFUSALS = load("contact_policy/collect_refusals")
_BLOCK = load("contact_policy/block")
_WOULD_BLOCK = load("contact_policy/would_block")
_WITHDRAW = contact_attempts.delete().where(
    contact_attempts.c.room == sa.bindparam("of_room"),
    contact_attempts.c.reference == sa.any_(sa.bindparam("refs", type_=ARRAY(sa.Text))),
)


def lock_phones(connection: sa.Connection, phones: Sequence[str]) -> None:
    """Make every other transaction that asks about these numbers wait until this one ends."""
    connection.execute(_LOCK_PHONES, {"phones": list(phones)})


def facts(connection: sa.Connection, attempts: Sequence[Attempt], depth: int) -> list[Facts]:
    """What is known of each attempt's number, in their order."""
    rows = connection.execute(FACTS, {**_columns(attempts), "depth": depth}).all()
    some = bool(rows) and rows[0].any_erased
    gone = erased.among(connection, [attempt.phone for attempt in attempts]) if some else frozenset()
    classes = [class_of(attempt.phone) for attempt in attempts]
    return [
        Facts(
            country=its.country,
            number_kind=its.kind,
            blocked=row.source is not None or attempt.phone in gone,
            blocked_by="erasure" if attempt.phone in gone else row.source or "",
            blocked_until=None if row.permanent or attempt.phone in gone else row.until,
            recent=tuple(row.ats or ()),
            pair_last=row.pair_last,
            recorded_phone=row.recorded_phone,
        )
        for attempt, row, its in zip(attempts, rows, classes, strict=True)
    ]


def record(connection: sa.Connection, attempts: Sequence[Attempt]) -> int:
    """Write the attempts; returns how many were new."""
    tenants = [attempt.tenant for attempt in attempts]
    return connection.execute(_RECORD, {**_columns(attempts), "tenants": tenants}).rowcount


def withdraw(connection: sa.Connection, room: str, references: Sequence[str]) -> int:
    """Remove attempts that did not happen; returns how many there were."""
    return connection.execute(_WITHDRAW, {"of_room": room, "refs": list(references)}).rowcount


def collect_refusals(connection: sa.Connection, at: dt.datetime, caps: Sequence[tuple[str, int, dt.datetime]]) -> None:
    """Make the temporary table `contact_refusals(phone, rule)`; `caps` are (rule, limit, counted after)."""
    rules, limits, sinces = ([cap[n] for cap in caps] for n in range(3))
    oldest = min((cap[2] for cap in caps), default=at)
    connection.execute(_COLLECT_REFUSALS, {"at": at, "rules": rules, "limits": limits, "sinces": sinces, "oldest": oldest})


def holidays(connection: sa.Connection, first: dt.date) -> frozenset[dt.date]:
    """The holidays from `first` on."""
    days = contact_holidays.c.day
    return frozenset(connection.execute(sa.select(days).where(days >= first)).scalars())


def block(
    connection: sa.Connection,
    entries: Sequence[tuple[str, dt.datetime | None, str]],
    *,
    source: str,
    by: str,
    now: dt.datetime,
    dry_run: bool = False,
) -> dict[str, bool]:
    """Put (phone, expiry, note) on the list. The numbers that changed: True for a new one, False for another entry.

    An erased number is put there under its token. `dry_run`: say the same and change nothing.
    """
    entrance = Entrance(connection)
    tokens = {token: entry[0] for entry in entries if (token := entrance.token(entry[0]))}
    phones = [entrance.stored(entry[0]) for entry in entries]
    expiries = [entry[1] for entry in entries]
    notes = ["" if phone in tokens else entry[2] for phone, entry in zip(phones, entries, strict=True)]
    values = {"phones": phones, "expiries": expiries, "notes": notes, "source": source}
    if dry_run:
        found = connection.execute(_WOULD_BLOCK, values)
    else:
        found = connection.execute(_BLOCK, {**values, "by": by, "now": now})
    return {tokens.get(row.phone, row.phone): row.created for row in found}


def unblock(connection: sa.Connection, phone: str, source: str | None, *, by: str, why: str, now: dt.datetime) -> list[str]:
    """End the entries of a number that hold now, of one source or of all; their sources. They stay with their end."""
    t = do_not_call.c
    holds = sa.or_(t.expires_at.is_(None), t.expires_at > now)
    ended = do_not_call.update().where(t.phone == phone, holds).values(expires_at=now, ended_by=by, ended_why=why)
    if source is not None:
        ended = ended.where(t.source == source)
    return sorted(connection.execute(ended.returning(t.source)).scalars())


def history(connection: sa.Connection, phone: str) -> list[Blocked]:
    """What stood on the list about a number before it was changed, the newest first."""
    t = do_not_call_history.c
    columns = [t[name] for name in Blocked.__dataclass_fields__]
    return [
        Blocked(**row)
        for row in connection.execute(sa.select(*columns).where(t.phone == phone).order_by(t.id.desc())).mappings()
    ]


def attempts_of(connection: sa.Connection, phone: str, *, limit: int = 100) -> list[tuple[dt.datetime, str, str | None]]:
    """(when, for which room, by which line) a number was contacted, newest first."""
    t = contact_attempts.c
    newest = sa.select(t.at, t.room, t.caller).where(t.phone == phone).order_by(t.at.desc()).limit(limit)
    return [(row.at, row.room, row.caller) for row in connection.execute(newest)]


def blocked(
    connection: sa.Connection,
    now: dt.datetime,
    *,
    source: str | None = None,
    phone: str | None = None,
    with_expired: bool = False,
    state: EntryState | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Blocked]:
    """Entries of the list, newest first. `state` says which; without it those that hold, or all `with_expired`."""
    t = do_not_call.c
    entries = sa.select(*(t[name] for name in Blocked.__dataclass_fields__ if name != "replaced_at"))
    if phone is not None:
        entries = entries.where(t.phone == phone)
    wanted = state or (None if with_expired else "active")
    entries = entries.where(*_narrowed(now, source, wanted))
    entries = entries.order_by(t.added_at.desc(), t.phone).limit(limit).offset(offset)
    return [Blocked(**row) for row in connection.execute(entries).mappings()]


def count_up_to(
    connection: sa.Connection, now: dt.datetime, most: int, *, source: str | None, state: EntryState | None
) -> int:
    """How many entries there are, at most `most`: counting a long list costs more than a page of it."""
    some = sa.select(sa.literal(1)).select_from(do_not_call).where(*_narrowed(now, source, state)).limit(most).subquery()
    return connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()


def _narrowed(now: dt.datetime, source: str | None, state: EntryState | None) -> list[sa.ColumnElement[bool]]:
    t = do_not_call.c
    over = t.expires_at <= now
    by_state: dict[EntryState | None, list[sa.ColumnElement[bool]]] = {
        None: [],
        "active": [sa.or_(t.expires_at.is_(None), t.expires_at > now)],
        "expired": [over, t.ended_by == ""],
        "removed": [over, t.ended_by != ""],
    }
    return [*by_state[state], *([t.source == source] if source else [])]


def count_blocked(connection: sa.Connection, now: dt.datetime) -> list[tuple[str, int, int]]:
    """(source, entries, expired ones among them) of every source."""
    t = do_not_call.c
    expired = sa.func.count().filter(t.expires_at <= now)
    counted = sa.select(t.source, sa.func.count(), expired).group_by(t.source).order_by(t.source)
    return [(source, entries, of_them) for source, entries, of_them in connection.execute(counted)]


def add_holiday(connection: sa.Connection, day: dt.date, name: str) -> None:
    """Name a day a holiday."""
    named = insert(contact_holidays).values(day=day, name=name)
    connection.execute(named.on_conflict_do_update(index_elements=["day"], set_={"name": name}))


def remove_holiday(connection: sa.Connection, day: dt.date) -> int:
    """Make it an ordinary day again; returns 0 when it was one."""
    return connection.execute(contact_holidays.delete().where(contact_holidays.c.day == day)).rowcount


def all_holidays(connection: sa.Connection) -> list[tuple[dt.date, str]]:
    """Every holiday, in order."""
    t = contact_holidays.c
    return [(row.day, row.name) for row in connection.execute(sa.select(t.day, t.name).order_by(t.day))]


def holidays_between(connection: sa.Connection, first: dt.date, last: dt.date) -> dict[dt.date, str]:
    """The holidays of a span of days, both included, with their names."""
    t = contact_holidays.c
    query = sa.select(t.day, t.name).where(t.day >= first, t.day <= last)
    return {row.day: row.name for row in connection.execute(query)}


def recent(connection: sa.Connection, phone: str, *, tenant_id: int | None, limit: int) -> list[Recent]:
    """The latest attempts of a number that count, the newest first; of one tenant's and of no tenant's if one is named."""
    t = contact_attempts.c
    query = sa.select(t.at, t.room, t.reference, t.tenant_id).where(t.phone == phone)
    if tenant_id is not None:
        query = query.where(sa.or_(t.tenant_id == tenant_id, t.tenant_id.is_(None)))
    return [Recent(*row) for row in connection.execute(query.order_by(t.at.desc()).limit(limit))]


def _columns(attempts: Sequence[Attempt]) -> dict[str, list[object]]:
    return {
        "phones": [attempt.phone for attempt in attempts],
        "rooms": [attempt.room for attempt in attempts],
        "refs": [attempt.reference for attempt in attempts],
        "callers": [attempt.caller for attempt in attempts],
        "ats": [attempt.at for attempt in attempts],
    }
