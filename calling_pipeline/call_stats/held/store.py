"""SQL of the days that the publishing gate holds. It never commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_stats.records import FetchProof, HeldDay, HeldState, Reason, Track
from calling_pipeline.call_stats.tables import held_call_records, held_days
from calling_pipeline.database.sql import load

_KEEP_RECORDS = load("call_stats/held/keep_records")
_STAGE_RECORDS = load("call_stats/held/stage_records")
_REPLACE_OPEN = load("call_stats/held/replace_open")
_INSTANTS = ("window_start", "window_end", "started_at", "finished_at", "full_read_at")


def hold(
    connection: sa.Connection,
    proof: FetchProof,
    reasons: Sequence[Reason],
    *,
    numbers: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    now: dt.datetime,
) -> int:
    """Keep a day open for a person's decision; its id. An open one of the same track and date must be closed before."""
    values = {
        "track": proof.track,
        "date": proof.date,
        "state": "open",
        "fetch_number": proof.fetch_number,
        "held_at": now,
        "reasons": [asdict(reason) for reason in reasons],
        "numbers": dict(numbers),
        "numbers_before": before,
        "proof": _proof_document(proof),
    }
    return connection.execute(held_days.insert().values(values).returning(held_days.c.id)).scalar_one()


def keep_records(connection: sa.Connection, held_id: int) -> None:
    """Keep the staged call records beside a held day."""
    connection.execute(_KEEP_RECORDS, {"held_id": held_id})


def stage_records(connection: sa.Connection, held_id: int) -> None:
    """Stage a held day's records in the table that `create_staging` made."""
    connection.execute(_STAGE_RECORDS, {"held_id": held_id})


def replace_open(
    connection: sa.Connection, track: Track, day: dt.date, *, fetch_number: int, why: str, now: dt.datetime
) -> int | None:
    """Close the day's open held read that is older than `fetch_number`; its id, None without one."""
    values = {"track": track, "day": day, "fetch_number": fetch_number, "closing_reason": why, "now": now}
    return connection.execute(_REPLACE_OPEN, values).scalar_one_or_none()


def close(
    connection: sa.Connection,
    held_id: int,
    state: HeldState,
    *,
    by: str,
    why: str,
    before: Mapping[str, Any] | None,
    now: dt.datetime,
) -> None:
    """Record a person's decision and delete the records that were kept for it."""
    changes = {"state": state, "closed_at": now, "closed_by": by, "closing_reason": why, "numbers_before": before}
    connection.execute(held_days.update().where(held_days.c.id == held_id).values(changes))
    connection.execute(held_call_records.delete().where(held_call_records.c.held_id == held_id))


def find(connection: sa.Connection, held_id: int) -> HeldDay | None:
    """The held day of that id, None without one."""
    row = connection.execute(sa.select(held_days).where(held_days.c.id == held_id)).mappings().one_or_none()
    return HeldDay(**row) if row else None


def open_day(connection: sa.Connection, track: Track, day: dt.date) -> HeldDay | None:
    """The day's held read that waits for a decision, None without one."""
    t = held_days.c
    query = sa.select(held_days).where(t.track == track, t.date == day, t.state == "open")
    row = connection.execute(query).mappings().one_or_none()
    return HeldDay(**row) if row else None


def held(connection: sa.Connection, *, only_open: bool = True, limit: int = 100) -> list[HeldDay]:
    """Held days, newest first; with closed ones unless `only_open`."""
    query = sa.select(held_days).order_by(held_days.c.id.desc()).limit(limit)
    if only_open:
        query = query.where(held_days.c.state == "open")
    return [HeldDay(**row) for row in connection.execute(query).mappings()]


def of_day(connection: sa.Connection, track: Track, day: dt.date, *, limit: int = 100) -> list[HeldDay]:
    """The reads of the day that were ever held, newest first."""
    t = held_days.c
    query = sa.select(held_days).where(t.date == day, t.track == track).order_by(t.id.desc()).limit(limit)
    return [HeldDay(**row) for row in connection.execute(query).mappings()]


def published_reasons(connection: sa.Connection, track: Track, day: dt.date) -> list[Mapping[str, Any]]:
    """The reasons in spite of which a person last published the day, empty when nobody did."""
    t = held_days.c
    query = sa.select(t.reasons).where(t.track == track, t.date == day, t.state == "published")
    return connection.execute(query.order_by(t.id.desc()).limit(1)).scalar_one_or_none() or []


def delete_held(connection: sa.Connection, first_kept: dt.date) -> int:
    """Delete the held days before `first_kept`, whatever their state, with their records; returns how many."""
    return connection.execute(held_days.delete().where(held_days.c.date < first_kept)).rowcount


def proof_of(day: HeldDay) -> FetchProof:
    """The fetch proof of a held read."""
    given = dict(day.proof)
    given.update((name, dt.datetime.fromisoformat(given[name])) for name in _INSTANTS if given[name])
    given["date"] = dt.date.fromisoformat(given["date"])
    given["warnings"] = tuple(given["warnings"])
    return FetchProof(**given)


def _proof_document(proof: FetchProof) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in asdict(proof).items()}
