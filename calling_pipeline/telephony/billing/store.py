"""SQL of Infinity's bill and its reconciliation with our communication records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.database.sql import statement_of
from calling_pipeline.telephony.calls.store import statement


def replace_day(
    connection: sa.Connection,
    config_id: int,
    day: dt.date,
    rows: Sequence[Mapping[str, Any]],
    *,
    reported: int,
    now: dt.datetime,
) -> None:
    """Keep a day's bill with its fetch proof. A call billed before is written again, never twice."""
    if rows:
        connection.execute(_KEEP_BILL, [{**row, "config_id": config_id, "day": day, "now": now} for row in rows])
    values = {"config_id": config_id, "day": day, "reported": reported, "fetched": len(rows), "now": now}
    connection.execute(_KEEP_DAY, values)


def match(connection: sa.Connection, config_id: int, day: dt.date) -> None:
    """Tie bill lines to our records: by the id of the call, then by line, number and time where we never learned it."""
    values = {"config_id": config_id, "day": day}
    connection.execute(_MATCH_BY_ID, values)
    connection.execute(_MATCH_BY_FACTS, values)


def settle(connection: sa.Connection, config_id: int, day: dt.date, now: dt.datetime) -> int:
    """Records that are billed have ended: those without a final state get the bill's, their extensions are freed."""
    values = {"config_id": config_id, "day": day, "now": now}
    settled = int(connection.execute(_SETTLE, values).scalar_one())
    connection.execute(_BILLED, values)
    return settled


def without_recording(connection: sa.Connection, config_id: int, day: dt.date, limit: int) -> list[tuple[int, str]]:
    """Id and recording file of billed records whose recording's address is not known."""
    values = {"config_id": config_id, "day": day, "limit": limit}
    return [(row.id, row.recording_file) for row in connection.execute(_WITHOUT_RECORDING, values)]


def keep_recording(connection: sa.Connection, record_id: int, url: str) -> None:
    """Keep a recording's address unless there is one."""
    connection.execute(_KEEP_RECORDING, {"record_id": record_id, "url": url})


def counts(
    connection: sa.Connection,
    config_id: int,
    day: dt.date,
    first: dt.datetime,
    end: dt.datetime,
    settled_before: dt.datetime,
) -> sa.Row[Any]:
    """Billed, recorded, matched, billed but unknown to us, recorded but not billed."""
    values = {"config_id": config_id, "day": day, "first": first, "end": end, "settled_before": settled_before}
    return connection.execute(_COUNTS, values).one()


_KEEP_BILL = sa.text(
    """
    INSERT INTO infinity_bills AS kept
        (config_id, call_uuid, day, extension_number, destination_masked, destination_hash, started_at, duration_s,
         hangup, state, recording_file, fetched_at)
    VALUES (:config_id, :call_uuid, :day, :extension_number, :destination_masked, :destination_hash, :started_at,
            :duration_s, :hangup, :state, :recording_file, :now)
    ON CONFLICT (config_id, call_uuid) DO UPDATE
    SET duration_s = excluded.duration_s, hangup = excluded.hangup, state = excluded.state,
        recording_file = coalesce(excluded.recording_file, kept.recording_file), fetched_at = excluded.fetched_at
    """
)

_KEEP_DAY = sa.text(
    """
    INSERT INTO infinity_bill_days (config_id, day, reported, fetched, fetched_at)
    VALUES (:config_id, :day, :reported, :fetched, :now)
    ON CONFLICT (config_id, day) DO UPDATE
    SET reported = excluded.reported, fetched = excluded.fetched, fetched_at = excluded.fetched_at
    WHERE infinity_bill_days.fetched_at <= excluded.fetched_at
    """
)

_MATCH_BY_ID = sa.text(
    """
    UPDATE infinity_bills b SET record_id = r.id
    FROM communication_records r
    WHERE b.config_id = :config_id AND b.day = :day AND b.record_id IS NULL
      AND r.config_id = b.config_id AND (r.call_uuid = b.call_uuid OR r.reference = b.call_uuid)
    """
)

_MATCH_BY_FACTS = sa.text(
    """
    WITH pairs AS (
        SELECT b.call_uuid, r.id,
               row_number() OVER (PARTITION BY b.call_uuid ORDER BY apart.seconds, r.id) AS of_bill,
               row_number() OVER (PARTITION BY r.id ORDER BY apart.seconds, b.call_uuid) AS of_record
        FROM infinity_bills b
        JOIN communication_records r
          ON r.config_id = b.config_id AND r.extension_number = b.extension_number
         AND r.destination_hash = b.destination_hash AND r.call_uuid IS NULL AND r.billed_at IS NULL
         AND r.state IN ('initiating', 'unknown')
         AND b.started_at BETWEEN r.started_at - interval '1 minute' AND r.started_at + interval '5 minutes'
        CROSS JOIN LATERAL (SELECT abs(extract(epoch FROM b.started_at - r.started_at)) AS seconds) AS apart
        WHERE b.config_id = :config_id AND b.day = :day AND b.record_id IS NULL
    ),
    tied AS (
        UPDATE infinity_bills b SET record_id = pairs.id
        FROM pairs
        WHERE b.config_id = :config_id AND b.call_uuid = pairs.call_uuid AND of_bill = 1 AND of_record = 1
        RETURNING b.call_uuid, b.record_id
    )
    UPDATE communication_records r SET call_uuid = tied.call_uuid
    FROM tied
    WHERE r.id = tied.record_id AND r.call_uuid IS NULL
    """
)

_SETTLE = statement(
    """
    WITH settled AS (
        UPDATE communication_records r
        SET state = b.state, settled_at = :now, settled_by = 'bill', closed_at = coalesce(closed_at, :now),
            duration_s = b.duration_s, contact_result = b.hangup, call_uuid = coalesce(r.call_uuid, b.call_uuid)
        FROM infinity_bills b
        WHERE b.config_id = :config_id AND b.day = :day AND b.record_id = r.id AND r.settled_at IS NULL
        RETURNING r.extension_id, r.fence, 'none' AS verdict
    ),
    released AS (
    """,
    statement_of("telephony/pool/release", source="settled"),
    """
    )
    SELECT count(*) FROM settled
    """,
)

_BILLED = sa.text(
    """
    UPDATE communication_records r
    SET billed_at = :now, recording_file = coalesce(r.recording_file, b.recording_file)
    FROM infinity_bills b
    WHERE b.config_id = :config_id AND b.day = :day AND b.record_id = r.id AND r.billed_at IS NULL
    """
)

_WITHOUT_RECORDING = sa.text(
    """
    SELECT r.id, r.recording_file
    FROM infinity_bills b JOIN communication_records r ON r.id = b.record_id
    WHERE b.config_id = :config_id AND b.day = :day AND r.recording_file IS NOT NULL AND r.recording_url IS NULL
    ORDER BY r.id
    LIMIT :limit
    """
)

_KEEP_RECORDING = sa.text(
    "UPDATE communication_records SET recording_url = :url WHERE id = :record_id AND recording_url IS NULL"
)

_COUNTS = sa.text(
    """
    SELECT
        (SELECT count(*) FROM infinity_bills WHERE config_id = :config_id AND day = :day) AS billed,
        (SELECT count(*) FROM infinity_bills WHERE config_id = :config_id AND day = :day AND record_id IS NULL)
            AS billed_unknown_to_us,
        count(*) AS recorded,
        count(*) FILTER (WHERE billed_at IS NOT NULL) AS matched,
        count(*) FILTER (WHERE billed_at IS NULL AND started_at < :settled_before
                           AND state IN ('connected', 'not_connected', 'busy', 'cancelled', 'unknown')
                           AND (call_uuid IS NOT NULL OR settled_at IS NOT NULL)) AS recorded_not_billed
    FROM communication_records
    WHERE config_id = :config_id AND started_at >= :first AND started_at < :end
    """
)
"""A call Infinity refused, or of which it never gave an id, need not be on its bill."""
