"""SQL of Infinity's bill and its reconciliation with our communication records. Functions never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, TypedDict

import sqlalchemy as sa

from calling_pipeline.database.sql import load, statement_of
from calling_pipeline.telephony.calls.tables import communication_records

_KEEP_LINE = load("telephony/billing/keep_line")
_KEEP_DAY = load("telephony/billing/keep_day")
_MATCH_BY_ID = load("telephony/billing/match_by_id")
_MATCH_BY_FACTS = load("telephony/billing/match_by_facts")
_SETTLE = load("telephony/billing/settle", release=statement_of("telephony/pool/release", source="settled"))
_MARK_BILLED = load("telephony/billing/mark_billed")
_WITHOUT_RECORDING = load("telephony/billing/without_recording")
_COUNTS = load("telephony/billing/counts")


class BillLine(TypedDict):
    """One line of the bill as kept: numbers masked and hashed. `state`: how the call ended."""

    call_uuid: str
    extension_number: str
    destination_masked: str
    destination_hash: bytes
    started_at: dt.datetime
    duration_s: int
    hangup: str
    state: str
    recording_file: str | None


def keep_day(
    connection: sa.Connection,
    config_id: int,
    day: dt.date,
    lines: Sequence[BillLine],
    *,
    reported: int,
    now: dt.datetime,
) -> None:
    """Keep a day's bill with its fetch proof. A call billed before is written again, never twice."""
    if lines:
        connection.execute(_KEEP_LINE, [{**line, "config_id": config_id, "day": day, "now": now} for line in lines])
    values = {"config_id": config_id, "day": day, "reported": reported, "fetched": len(lines), "now": now}
    connection.execute(_KEEP_DAY, values)


def match(connection: sa.Connection, config_id: int, day: dt.date) -> None:
    """Tie bill lines to our records: by the id of the call, else by extension, destination and time."""
    values = {"config_id": config_id, "day": day}
    connection.execute(_MATCH_BY_ID, values)
    connection.execute(_MATCH_BY_FACTS, values)


def settle(connection: sa.Connection, config_id: int, day: dt.date, now: dt.datetime) -> int:
    """Give billed records without a final state the bill's and release their extensions; how many."""
    values = {"config_id": config_id, "day": day, "now": now}
    settled = int(connection.execute(_SETTLE, values).scalar_one())
    connection.execute(_MARK_BILLED, values)
    return settled


def without_recording(connection: sa.Connection, config_id: int, day: dt.date, limit: int) -> list[tuple[int, str]]:
    """Id and recording file of billed records whose recording's address is not known."""
    values = {"config_id": config_id, "day": day, "limit": limit}
    return [(row.id, row.recording_file) for row in connection.execute(_WITHOUT_RECORDING, values)]


def keep_recording(connection: sa.Connection, record_id: int, url: str) -> None:
    """Keep a recording's address unless there is one."""
    record = communication_records.c
    unknown = sa.and_(record.id == record_id, record.recording_url.is_(None))
    connection.execute(communication_records.update().where(unknown).values(recording_url=url))


def counts(
    connection: sa.Connection,
    config_id: int,
    day: dt.date,
    first: dt.datetime,
    until: dt.datetime,
    settled_before: dt.datetime,
) -> sa.Row[Any]:
    """Billed, recorded, matched, billed but unknown to us, recorded but not billed; of calls from `first` to `until`."""
    values = {"config_id": config_id, "day": day, "first": first, "until": until, "settled_before": settled_before}
    return connection.execute(_COUNTS, values).one()
