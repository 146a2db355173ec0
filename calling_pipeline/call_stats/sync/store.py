"""SQL that replaces a day's call records by what was read, and the proofs of reads. Never commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline.call_stats.records import FetchProof, Track
from calling_pipeline.call_stats.tables import fetch_proofs
from calling_pipeline.database.errors import violated_constraint

STAGING = "incoming_calls"
PRIMARY_KEY = "pk_call_records"

_CREATE_STAGING = sa.text(f"""
    CREATE TEMPORARY TABLE {STAGING} (
        id bigint, called_at_s bigint, call_state smallint, duration_s integer, grade text, order_yuan smallint,
        agent_id text, task_id text, task_name text, line_name text, phone_masked text, phone_hash bytea,
        hangup_reason text, province text, city text
    ) ON COMMIT DROP
""")
_DRAW_FETCH_NUMBER = sa.text("SELECT nextval('fetch_numbers')")
_NEWEST_FETCH_NUMBER = sa.text("SELECT max(fetch_number) FROM fetch_proofs WHERE track = :track AND date = :day")

_REMOVE_VANISHED = sa.text(f"""
    WITH removed AS (
        DELETE FROM call_records AS stored
        WHERE stored.date = :day AND (CAST(:since AS timestamptz) IS NULL OR stored.called_at >= :since)
          AND NOT EXISTS (SELECT FROM {STAGING} AS incoming WHERE incoming.id = stored.id)
        RETURNING stored.called_at
    )
    SELECT count(*) AS rows, count(*) FILTER (WHERE called_at < :settled) AS late FROM removed
""")  # noqa: S608  # the name is a constant of this file
_INSERT = f"""
    INSERT INTO call_records AS stored (id, date, called_at, call_state, duration_s, grade, order_yuan, agent_id,
        task_id, task_name, line_name, phone_masked, phone_hash, hangup_reason, province, city)
    SELECT id, :day, to_timestamp(called_at_s), call_state, duration_s, grade, order_yuan, agent_id, task_id,
        task_name, line_name, phone_masked, phone_hash, hangup_reason, province, city
    FROM {STAGING} ORDER BY id
"""  # noqa: S608
_UPSERT = f"""
    {_INSERT}
    ON CONFLICT (id) DO UPDATE SET
        date = excluded.date, called_at = excluded.called_at, call_state = excluded.call_state,
        duration_s = excluded.duration_s, grade = excluded.grade, order_yuan = excluded.order_yuan,
        agent_id = excluded.agent_id, task_id = excluded.task_id, task_name = excluded.task_name,
        line_name = excluded.line_name, phone_masked = excluded.phone_masked, phone_hash = excluded.phone_hash,
        hangup_reason = excluded.hangup_reason, province = excluded.province, city = excluded.city
    WHERE stored IS DISTINCT FROM excluded
"""
_STORE_FIRST = sa.text(_INSERT)
"""For a day without records: expecting conflicts, and returning every row to count it, would take twice as long."""
_STORE_AGAIN = sa.text(f"""
    WITH stored AS ({_UPSERT} RETURNING (xmax = 0) AS added, called_at)
    SELECT count(*) FILTER (WHERE added) AS added, count(*) FILTER (WHERE NOT added) AS changed,
        count(*) FILTER (WHERE called_at < :settled) AS late
    FROM stored
""")  # noqa: S608
_HAS_RECORDS = sa.text("SELECT EXISTS (SELECT FROM call_records WHERE date = :day)")
_COUNT_DAY = sa.text("SELECT count(*) FROM call_records WHERE date = :day")
_LATEST_PROOF = sa.text("""
    SELECT * FROM fetch_proofs
    WHERE track = :track AND date = :day AND (CAST(:mode AS text) IS NULL OR mode = :mode)
    ORDER BY fetch_number DESC LIMIT 1
""")


@dataclass(frozen=True)
class Changes:
    """What replacing a day changed. `late`: changed rows older than the `settled` instant."""

    added: int
    changed: int
    removed: int
    late: int


def draw_fetch_number(connection: sa.Connection) -> int:
    """The number of a read that begins now."""
    return int(connection.execute(_DRAW_FETCH_NUMBER).scalar_one())


def newest_fetch_number(connection: sa.Connection, track: Track, day: dt.date) -> int:
    """The number of the newest read stored for the day, 0 without one."""
    return int(connection.execute(_NEWEST_FETCH_NUMBER, {"track": track, "day": day}).scalar_one() or 0)


def create_staging(connection: sa.Connection) -> None:
    """The empty table that COPY fills; it ends with the transaction."""
    connection.execute(_CREATE_STAGING)


def replace_day(connection: sa.Connection, day: dt.date, *, since: dt.datetime | None, settled: dt.datetime) -> Changes:
    """Make the day's records (from `since` on, if given) equal to the staged ones; unchanged rows are not written."""
    if not connection.execute(_HAS_RECORDS, {"day": day}).scalar_one():
        added = _store_first(connection, day)
        if added is not None:
            return Changes(added, 0, 0, 0)
    removed = connection.execute(_REMOVE_VANISHED, {"day": day, "since": since, "settled": settled}).one()
    stored = connection.execute(_STORE_AGAIN, {"day": day, "settled": settled}).one()
    return Changes(stored.added, stored.changed, removed.rows, removed.late + stored.late)


def _store_first(connection: sa.Connection, day: dt.date) -> int | None:
    """Rows stored, None (and nothing stored) when an id is known from another day."""
    try:
        with connection.begin_nested():
            return connection.execute(_STORE_FIRST, {"day": day}).rowcount
    except IntegrityError as error:
        if violated_constraint(error) != PRIMARY_KEY:
            raise
        return None


def count_day(connection: sa.Connection, day: dt.date) -> int:
    """Call records stored for the day."""
    return int(connection.execute(_COUNT_DAY, {"day": day}).scalar_one())


def add_proof(connection: sa.Connection, proof: FetchProof) -> None:
    """Keep the proof of a read."""
    values = asdict(proof)
    values.update((name, dict(values[name])) for name in ("unknown_grades", "new_fields", "missing_fields"))
    connection.execute(fetch_proofs.insert(), values)


def latest_proof(connection: sa.Connection, track: Track, day: dt.date, *, mode: str | None = None) -> FetchProof | None:
    """The newest read stored for the day (of `mode`, if one is named)."""
    row = connection.execute(_LATEST_PROOF, {"track": track, "day": day, "mode": mode}).mappings().one_or_none()
    return proof_from(row) if row else None


def proof_from(row: Mapping[Any, Any]) -> FetchProof:
    """A proof from its row."""
    return FetchProof(**{column.name: row[column.name] for column in fetch_proofs.columns})


def last_vendor_answer(connection: sa.Connection) -> dt.datetime | None:
    """When Guanke last gave a whole, usable answer."""
    latest: dt.datetime | None = connection.execute(sa.select(sa.func.max(fetch_proofs.c.finished_at))).scalar_one()
    return latest
