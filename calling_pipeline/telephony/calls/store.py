"""SQL of communication records and callbacks. What ends a call and what frees its extension is one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline.database.engine import driver_sql
from calling_pipeline.database.sql import statement_of
from calling_pipeline.telephony.records import CommunicationRecord, StaleCall
from calling_pipeline.telephony.tables import communication_records

OPEN_EXTENSION = "uq_communication_records_open_extension"
OPEN_COLLECTOR = "uq_communication_records_open_collector"


def statement(*parts: str) -> sa.TextClause:
    """One statement of parts that statements share."""
    return sa.text(" ".join(parts))


def open_record(connection: sa.Connection, values: Mapping[str, Any]) -> int:
    """Insert a record in the state `initiating`; its id."""
    insert = communication_records.insert().values(**values).returning(communication_records.c.id)
    return int(connection.execute(insert).scalar_one())


def answered(
    connection: sa.Connection, record_id: int, call_uuid: str, now: dt.datetime, deadline: dt.datetime
) -> str | None:
    """Infinity accepted the call: `initiating` becomes `ringing`; the state it has now, whatever overtook us."""
    values = {"record_id": record_id, "call_uuid": call_uuid, "now": now, "deadline": deadline}
    row = connection.execute(_ANSWERED, values).one_or_none()
    return None if row is None else str(row.state)


def doubtful(connection: sa.Connection, record_id: int, failure: str) -> None:
    """Nobody knows whether the call was made: `initiating` becomes `unknown`, the extension stays held."""
    connection.execute(_DOUBTFUL, {"record_id": record_id, "failure": failure})


def failed(connection: sa.Connection, record_id: int, *, code: str, failure: str, verdict: str, now: dt.datetime) -> bool:
    """The call was certainly not made: the record is final and the extension free, unless something settled it before."""
    values = {"record_id": record_id, "code": code, "failure": failure, "verdict": verdict, "now": now}
    return bool(connection.execute(_FAILED, values).scalar_one())


def find(connection: sa.Connection, record_id: int) -> CommunicationRecord | None:
    """One record as shown."""
    row = connection.execute(_FIND, {"record_id": record_id}).one_or_none()
    return CommunicationRecord(**row._mapping) if row else None


def page(
    connection: sa.Connection,
    *,
    tenant_id: int | None = None,
    collector_id: int | None = None,
    state: str | None = None,
    case_id: str | None = None,
    open_only: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> tuple[list[CommunicationRecord], int]:
    """Records by filter, the newest first, and how many there are."""
    values = {
        "tenant_id": tenant_id,
        "collector_id": collector_id,
        "state": state,
        "case_id": case_id,
        "open_only": open_only,
        "limit": limit,
        "offset": offset,
    }
    total = connection.execute(_COUNT, values).scalar_one()
    return [CommunicationRecord(**row._mapping) for row in connection.execute(_PAGE, values)], total


def open_of_collector(connection: sa.Connection, tenant_id: int, collector_id: int) -> sa.Row[Any] | None:
    """The collector's open call."""
    values = {"tenant_id": tenant_id, "collector_id": collector_id}
    return connection.execute(_OPEN_OF_COLLECTOR, values).one_or_none()


def match_callbacks(connection: sa.Connection, now: dt.datetime, *, record_id: int | None = None) -> int:
    """Apply callbacks that came before their call was known, to one record or to all; how many found theirs."""
    match = _MATCH_ALL if record_id is None else _MATCH_RECORD
    return int(connection.execute(match, {"now": now, "record_id": record_id}).scalar_one())


def stale(connection: sa.Connection, now: dt.datetime, limit: int) -> list[StaleCall]:
    """Open calls and held extensions without one that outlived their deadline, oldest first."""
    return [StaleCall(**row._mapping) for row in connection.execute(_STALE, {"now": now, "limit": limit})]


def claim_stale(connection: sa.Connection, call: StaleCall, until: dt.datetime) -> bool:
    """Move the deadline on so that one sweep alone asks about this call; False when another did."""
    values = {"extension_id": call.extension_id, "fence": call.fence, "deadline": call.deadline, "until": until}
    values["record_id"] = call.record_id
    claim = _CLAIM_STALE_EXTENSION if call.record_id is None else _CLAIM_STALE_RECORD
    return connection.execute(claim, values).one_or_none() is not None


def close_stale(connection: sa.Connection, call: StaleCall, now: dt.datetime) -> bool:
    """Infinity says the line is idle: free the extension. A record without a known end becomes `unknown`."""
    values = {"record_id": call.record_id, "extension_id": call.extension_id, "fence": call.fence, "now": now}
    return bool(connection.execute(_CLOSE_STALE, {**values, "verdict": "none"}).scalar_one())


def close_by_hand(connection: sa.Connection, extension_id: int, fence: int, now: dt.datetime) -> bool:
    """An operator frees an extension: its open record, if any, becomes `unknown` and is closed."""
    values = {"record_id": None, "extension_id": extension_id, "fence": fence, "now": now, "verdict": "none"}
    return bool(connection.execute(_CLOSE_STALE, values).scalar_one())


_OPEN_OF_COLLECTOR = sa.text(
    """
    SELECT id, state, call_uuid, extension_number, destination_hash
    FROM communication_records
    WHERE tenant_id = :tenant_id AND collector_id = :collector_id AND closed_at IS NULL
    """
)

_ANSWERED = sa.text(
    """
    UPDATE communication_records r
    SET called_at = :now,
        call_uuid = coalesce(call_uuid, CASE WHEN NOT EXISTS (
            SELECT FROM communication_records o WHERE o.config_id = r.config_id AND o.call_uuid = :call_uuid)
            THEN CAST(:call_uuid AS text) END),
        state = CASE state WHEN 'initiating' THEN 'ringing' ELSE state END,
        deadline = CASE WHEN closed_at IS NULL THEN :deadline ELSE deadline END
    WHERE id = :record_id
    RETURNING state
    """
)

_DOUBTFUL = sa.text(
    "UPDATE communication_records SET state = 'unknown', failure = :failure WHERE id = :record_id AND state = 'initiating'"
)

_RELEASED = "released AS (" + statement_of("telephony/pool/release", source="settled") + ")"
"""Part of every statement that ends a call; `settled` names the extension, its fence and the verdict."""

_FAILED = statement(
    """
    WITH settled AS (
        UPDATE communication_records
        SET state = 'failed', settled_at = :now, settled_by = 'make_call', closed_at = coalesce(closed_at, :now),
            failure_code = :code, failure = :failure
        WHERE id = :record_id AND state = 'initiating'
        RETURNING extension_id, fence, CAST(:verdict AS text) AS verdict
    ),
    """,
    _RELEASED,
    "SELECT (SELECT count(*) FROM settled)",
)

KEEP_CALLBACK = statement(
    """
    WITH target AS MATERIALIZED (
        SELECT id
        FROM (
            SELECT id, 0 AS place FROM communication_records
            WHERE call_uuid = :call_uuid AND config_id = :config_id
            UNION ALL
            SELECT id, 1 FROM communication_records
            WHERE reference IN (CAST(:call_uuid AS text), nullif(CAST(:reference AS text), '')) AND config_id = :config_id
        ) AS found
        ORDER BY place
        LIMIT 1
    ),
    kept AS (
        INSERT INTO call_callbacks AS k
            (config_id, body_digest, call_uuid, reference, state, duration_s, contact_result, remark, recording_url,
             signed_at, received_at, record_id)
        SELECT :config_id, :body_digest, :call_uuid, :reference, :state, :duration_s, :contact_result, :remark,
               :recording_url, :signed_at, :now, (SELECT id FROM target)
        ON CONFLICT ON CONSTRAINT uq_call_callbacks_body DO UPDATE
        SET repeats = k.repeats + 1, record_id = coalesce(k.record_id, excluded.record_id)
        RETURNING k.repeats, k.record_id
    ),
    settled AS (
        UPDATE communication_records r
        SET state = :state, settled_at = :now, settled_by = 'callback', closed_at = coalesce(closed_at, :now),
            call_uuid = coalesce(call_uuid, :call_uuid), duration_s = :duration_s, contact_result = :contact_result,
            remark = :remark, recording_url = coalesce(recording_url, :recording_url), callback_delay_s = :delay_s
        FROM target
        WHERE r.id = target.id AND r.settled_at IS NULL
        RETURNING r.extension_id, r.fence, CAST(:verdict AS text) AS verdict
    ),
    enriched AS (
        UPDATE communication_records r
        SET recording_url = :recording_url
        FROM target
        WHERE r.id = target.id AND r.settled_at IS NOT NULL AND r.recording_url IS NULL AND r.state = :state
          AND CAST(:recording_url AS text) IS NOT NULL
    ),
    """,
    _RELEASED,
    "SELECT kept.repeats, kept.record_id, (SELECT count(*) FROM settled) FROM kept",
)
"""Keeps a callback once for each body, ends its call if that has no final state, and frees the extension: all or nothing."""

_PAIRS = """
    WITH pairs AS MATERIALIZED (
        SELECT DISTINCT ON (r.id) r.id AS record_id, k.id AS callback_id
        FROM call_callbacks k
        CROSS JOIN LATERAL (
            SELECT id FROM communication_records
            WHERE call_uuid = k.call_uuid AND config_id = k.config_id
            UNION
            SELECT id FROM communication_records
            WHERE reference IN (k.call_uuid, nullif(k.reference, '')) AND config_id = k.config_id
        ) AS r
        WHERE k.record_id IS NULL
"""
_OF_CALL = "AND k.config_id = :config_id AND k.call_uuid = :call_uuid"
_OF_RECORD = """
    AND k.id IN (
        SELECT u.id FROM communication_records o JOIN call_callbacks u
            ON u.config_id = o.config_id AND u.record_id IS NULL
           AND (u.call_uuid IN (o.call_uuid, o.reference) OR u.reference = o.reference)
        WHERE o.id = :record_id)
"""
_TIE = (
    """
        ORDER BY r.id, k.id
    ),
    tied AS (
        UPDATE call_callbacks k SET record_id = pairs.record_id
        FROM pairs
        WHERE k.id = pairs.callback_id AND k.record_id IS NULL
        RETURNING k.*
    ),
    settled AS (
        UPDATE communication_records r
        SET state = k.state, settled_at = :now, settled_by = 'callback', closed_at = coalesce(closed_at, :now),
            call_uuid = coalesce(r.call_uuid, k.call_uuid), duration_s = k.duration_s,
            contact_result = k.contact_result, remark = k.remark,
            recording_url = coalesce(r.recording_url, k.recording_url),
            callback_delay_s = extract(epoch FROM k.received_at - k.signed_at)
        FROM tied k
        WHERE r.id = k.record_id AND r.settled_at IS NULL
        RETURNING r.extension_id, r.fence, CASE k.state WHEN 'failed' THEN 'failed' ELSE 'good' END AS verdict
    ),
    """,
    _RELEASED,
    "SELECT count(*) FROM tied",
)

_MATCH_ALL = statement(_PAIRS, *_TIE)
_MATCH_RECORD = statement(_PAIRS, _OF_RECORD, *_TIE)
_MATCH_CALL = statement(_PAIRS, _OF_CALL, *_TIE)

_STALE = sa.text(
    """
    SELECT id AS record_id, extension_id, extension_number, fence, config_id, deadline
    FROM communication_records
    WHERE closed_at IS NULL AND (deadline <= :now OR started_at > :now + interval '5 minutes')
    UNION ALL
    SELECT NULL, e.id, e.number, e.fence, e.config_id, e.lease_until
    FROM extension_pool e
    WHERE e.state = 'in_use' AND (e.lease_until <= :now OR e.lent_at > :now + interval '5 minutes')
      AND NOT EXISTS (
          SELECT FROM communication_records r WHERE r.extension_id = e.id AND r.fence = e.fence AND r.closed_at IS NULL)
    ORDER BY deadline
    LIMIT :limit
    """
)
"""What seems to have begun in the future began before the clock was set back: it is looked into as well."""

_CLAIM_STALE_RECORD = sa.text(
    """
    UPDATE communication_records SET deadline = :until
    WHERE id = :record_id AND closed_at IS NULL AND deadline = :deadline RETURNING id
    """
)
_CLAIM_STALE_EXTENSION = sa.text(
    """
    UPDATE extension_pool SET lease_until = :until
    WHERE id = :extension_id AND fence = :fence AND state = 'in_use' AND lease_until = :deadline RETURNING id
    """
)

_CLOSE_STALE = statement(
    """
    WITH closed AS (
        UPDATE communication_records
        SET closed_at = :now, state = CASE WHEN settled_at IS NULL THEN 'unknown' ELSE state END
        WHERE extension_id = :extension_id AND fence = :fence AND closed_at IS NULL
        RETURNING id
    ),
    settled AS (SELECT CAST(:extension_id AS bigint) AS extension_id, CAST(:fence AS bigint) AS fence,
        CAST(:verdict AS text) AS verdict),
    """,
    _RELEASED,
    "SELECT (SELECT count(*) FROM released) + (SELECT count(*) FROM closed)",
)

_SHOWN = ", ".join(CommunicationRecord.__dataclass_fields__)
_FILTER = """
    FROM communication_records
    WHERE (CAST(:tenant_id AS bigint) IS NULL OR tenant_id = :tenant_id)
      AND (CAST(:collector_id AS bigint) IS NULL OR collector_id = :collector_id)
      AND (CAST(:state AS text) IS NULL OR state = :state)
      AND (CAST(:case_id AS text) IS NULL OR case_id = :case_id)
      AND (NOT :open_only OR closed_at IS NULL)
"""
_FIND = statement("SELECT", _SHOWN, "FROM communication_records WHERE id = :record_id")
_PAGE = statement("SELECT", _SHOWN, _FILTER, "ORDER BY id DESC LIMIT :limit OFFSET :offset")
_COUNT = statement("SELECT count(*)", _FILTER)

KEEP_CALLBACK_SQL = driver_sql(KEEP_CALLBACK)
MATCH_CALL_SQL = driver_sql(_MATCH_CALL)


_LAST_ANSWER = sa.text("SELECT called_at FROM communication_records WHERE called_at IS NOT NULL ORDER BY id DESC LIMIT 1")


def last_vendor_answer(connection: sa.Connection) -> dt.datetime | None:
    """When Infinity last answered MakeCall."""
    return connection.execute(_LAST_ANSWER).scalar_one_or_none()
