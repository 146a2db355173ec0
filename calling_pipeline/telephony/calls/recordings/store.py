"""SQL of recordings. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from calling_pipeline.database.sql import load
from calling_pipeline.telephony.calls.recordings.records import Fetch, Recording, RecordingCounts
from calling_pipeline.telephony.calls.recordings.tables import call_recordings

_TAKE_NEW = load("telephony/calls/recordings/take_new")
_CLAIM = load("telephony/calls/recordings/claim")
_ANY_DUE = load("telephony/calls/recordings/any_due")
_COUNTS = load("telephony/calls/recordings/counts")
_kept = call_recordings.c
_RECORDINGS = sa.select(*(_kept[name] for name in Recording.__dataclass_fields__))


class KeptFile(NamedTuple):
    """A kept recording's file."""

    record_id: int
    tenant_id: int
    file: str
    bytes: int
    media_type: str | None


class NewLink(NamedTuple):
    """A call whose recording's link became known."""

    record_id: int
    tenant_id: int
    config_id: int
    link: str


def take_new(connection: sa.Connection, limit: int) -> list[NewLink]:
    """Calls whose recordings' links became known; each is taken once."""
    return [NewLink(*row) for row in connection.execute(_TAKE_NEW, {"limit": limit})]


def want(connection: sa.Connection, new: NewLink, *, now: dt.datetime, expires_at: dt.datetime) -> None:
    """Want the recording of a call; nothing when it is wanted already."""
    values = {"record_id": new.record_id, "tenant_id": new.tenant_id, "config_id": new.config_id}
    of_link = {"known_at": now, "next_try_at": now, "expires_at": expires_at}
    connection.execute(insert(call_recordings).values(**values, **of_link).on_conflict_do_nothing())


def any_due(connection: sa.Connection, now: dt.datetime) -> bool:
    """Whether there is something to queue or to fetch."""
    return bool(connection.execute(_ANY_DUE, {"now": now}).scalar_one())


def claim(connection: sa.Connection, *, now: dt.datetime, until: dt.datetime, limit: int) -> list[Fetch]:
    """Claim recordings that are due."""
    return [Fetch(**row._mapping) for row in connection.execute(_CLAIM, {"now": now, "until": until, "limit": limit})]


def keep(connection: sa.Connection, fetch: Fetch, *, file: str, size: int, media_type: str, now: dt.datetime) -> bool:
    """The file is whole and in its place; False when the claim is another's by now."""
    values = {"state": "kept", "file": file, "bytes": size, "media_type": media_type, "kept_at": now}
    held = call_recordings.update().where(_held(fetch))
    return connection.execute(held.values(**values, claimed_until=None, failure="")).rowcount == 1


def postpone(connection: sa.Connection, fetch: Fetch, *, until: dt.datetime, failure: str) -> None:
    """Try again later."""
    values = {"next_try_at": until, "failure": failure, "claimed_until": None}
    connection.execute(call_recordings.update().where(_held(fetch)).values(**values))


def give_up(connection: sa.Connection, fetch: Fetch, *, state: str, failure: str, now: dt.datetime) -> bool:
    """The recording is lost: its link has expired, or it is refused for good."""
    values = {"state": state, "failure": failure, "lost_at": now, "claimed_until": None}
    return connection.execute(call_recordings.update().where(_held(fetch)).values(**values)).rowcount == 1


def find(connection: sa.Connection, record_id: int) -> Recording | None:
    """One call's recording."""
    row = connection.execute(_RECORDINGS.where(_kept.record_id == record_id)).one_or_none()
    return Recording(**row._mapping) if row else None


def kept_file(connection: sa.Connection, record_id: int) -> KeptFile | None:
    """The file of a kept recording."""
    row = connection.execute(_files_of(_kept.record_id == record_id)).one_or_none()
    return None if row is None else KeptFile(*row)


def older_than(connection: sa.Connection, before: dt.datetime, limit: int) -> Sequence[KeptFile]:
    """Kept recordings that retention deletes, the oldest first, locked: their files are in nobody else's hands."""
    rows = connection.execute(_files_of(_kept.kept_at < before).order_by(_kept.kept_at).limit(limit).with_for_update())
    return [KeptFile(*row) for row in rows]


def next_kept(connection: sa.Connection, after: int, limit: int) -> Sequence[KeptFile]:
    """Kept recordings by call, after the one of `after`, locked: nobody deletes their files meanwhile."""
    found = _files_of(_kept.record_id > after).order_by(_kept.record_id).limit(limit)
    return [KeptFile(*row) for row in connection.execute(found.with_for_update())]


def deleted(connection: sa.Connection, record_ids: Sequence[int], now: dt.datetime) -> int:
    """Keep that their files are gone; how many."""
    gone = sa.and_(_kept.record_id.in_(record_ids), _kept.state == "kept")
    statement = call_recordings.update().where(gone).values(state="deleted", file=None, deleted_at=now)
    return connection.execute(statement).rowcount


def counts(connection: sa.Connection, first: dt.datetime, until: dt.datetime) -> RecordingCounts:
    """How the recordings of the calls of a span stand."""
    return RecordingCounts(*connection.execute(_COUNTS, {"first": first, "until": until}).one())


def lost_since(connection: sa.Connection, since: dt.datetime) -> dict[int, int]:
    """How many recordings of each configuration were lost since then."""
    lost = sa.and_(_kept.lost_at >= since, _kept.state.in_(("expired", "refused")))
    query = sa.select(_kept.config_id, sa.func.count()).where(lost).group_by(_kept.config_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def _files_of(which: sa.ColumnElement[bool]) -> sa.Select[int, int, str, int, str]:
    query = sa.select(_kept.record_id, _kept.tenant_id, _kept.file, _kept.bytes, _kept.media_type)
    return query.where(_kept.state == "kept", which)


def _held(fetch: Fetch) -> sa.ColumnElement[bool]:
    return sa.and_(_kept.record_id == fetch.record_id, _kept.claim == fetch.claim, _kept.state == "wanted")
