"""Calls that were made before this system came: kept closed, so that nobody asks about them or makes them again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import sqlalchemy as sa

from calling_pipeline.database.sql import load

_TAKE = load("telephony/calls/take_past")


@dataclass(frozen=True)
class PastCall:
    """One call that is over. `reference`: names it, whoever takes it; `state`: connected, not_connected or unknown."""

    reference: str
    config_id: int
    collector_id: int
    extension_number: str
    case_id: str
    customer_id: str
    destination_masked: str
    destination_hash: bytes = field(repr=False)
    state: str
    call_uuid: str | None
    started_at: dt.datetime
    closed_at: dt.datetime
    duration_s: int | None
    contact_result: str | None
    remark: str | None


def take_past_calls(connection: sa.Connection, calls: Sequence[PastCall]) -> int:
    """Keep calls that are not known yet; returns how many."""
    rows = [{**asdict(call), "destination_hash": call.destination_hash.hex()} for call in calls]
    given = json.dumps(rows, ensure_ascii=False, default=dt.datetime.isoformat)
    return connection.execute(_TAKE, {"calls": given}).rowcount if rows else 0
