"""SQL of the list of calls. It reads and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline.database.sql import load
from calling_pipeline.telephony.calls.listing.records import CallFilter, Event, ListedCall
from calling_pipeline.telephony.calls.recordings.tables import call_recordings
from calling_pipeline.telephony.calls.tables import communication_records
from calling_pipeline.telephony.records import CommunicationRecord
from calling_pipeline.telephony.reviews.notes.tables import call_notes

_STORY = load("telephony/calls/listing/story")
_call = communication_records.c
_recording = call_recordings.c
_note = call_notes.c
_NOW = sa.and_(_note.record_id == _call.id, _note.replaced_at.is_(None))
_CALLS = sa.select(
    _call.id,
    _call.tenant_id,
    _call.collector_id,
    _call.extension_number,
    _call.destination_masked,
    _call.case_id,
    _call.state,
    _call.started_at,
    _call.duration_s,
    _call.contact_result,
    _call.failure,
    _recording.state.label("recording"),
    sa.select(sa.func.avg(_note.score).cast(sa.Double)).where(_NOW).scalar_subquery().label("score"),
    sa.select(sa.func.count()).select_from(call_notes).where(_NOW).scalar_subquery().label("notes"),
).select_from(communication_records.outerjoin(call_recordings, _recording.record_id == _call.id))
SORTS: Mapping[str, sa.ColumnElement[Any]] = {"started_at": _call.started_at, "duration": _call.duration_s}


def page(
    connection: sa.Connection, wanted: CallFilter, *, sort: str, descending: bool, limit: int, offset: int
) -> list[ListedCall]:
    """Calls by filter, in their order. They are not counted: a list of days may hold very many."""
    order = SORTS[sort].desc().nulls_last() if descending else SORTS[sort].asc().nulls_last()
    query = _CALLS.where(*_conditions(wanted)).order_by(order, _call.id.desc() if descending else _call.id)
    return [ListedCall(**row._mapping) for row in connection.execute(query.limit(limit).offset(offset))]


def story(connection: sa.Connection, call: CommunicationRecord) -> list[Event]:
    """Callbacks, bill and presses of one call."""
    values = {"record_id": call.id, "config_id": call.config_id, "call_uuid": call.call_uuid}
    return [Event(row.at, row.what, row.detail or "") for row in connection.execute(_STORY, values)]


def _conditions(wanted: CallFilter) -> list[sa.ColumnElement[bool]]:
    found = [_call.started_at >= wanted.since]
    exact: list[tuple[sa.ColumnElement[Any], object]] = [
        (_call.tenant_id, wanted.tenant_id),
        (_call.collector_id, wanted.collector_id),
        (_call.state, wanted.state),
        (_call.extension_number, wanted.extension),
        (_call.case_id, wanted.case_id),
        (_recording.state, wanted.recording),
    ]
    found += [column == value for column, value in exact if value is not None]
    if wanted.until is not None:
        found.append(_call.started_at < wanted.until)
    if wanted.reviewed is not None:
        reviewed = sa.exists().where(_NOW)
        found.append(reviewed if wanted.reviewed else sa.not_(reviewed))
    return found
