"""One call's story in the order in which it happened: what we did, what Infinity answered and reported, what was kept."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.telephony.calls.listing import store
from calling_pipeline.telephony.calls.listing.records import Event
from calling_pipeline.telephony.calls.recordings.records import Recording
from calling_pipeline.telephony.records import CommunicationRecord


def story(connection: sa.Connection, call: CommunicationRecord, recording: Recording | None) -> list[Event]:
    """Every event of the call, the earliest first."""
    events = [Event(call.started_at, "intended", call.extension_number)]
    if call.called_at is not None:
        events.append(Event(call.called_at, "answered", call.call_uuid or ""))
    if call.settled_at is not None:
        events.append(Event(call.settled_at, f"settled_by_{call.settled_by or 'callback'}", call.failure or ""))
    if call.closed_at is not None:
        events.append(Event(call.closed_at, "released", call.extension_number))
    events += [*store.story(connection, call), *_of_recording(recording)]
    return sorted(events, key=lambda event: event.at)


def _of_recording(recording: Recording | None) -> list[Event]:
    if recording is None:
        return []
    known = ("recording_known", recording.known_at, "")
    kept = ("recording_kept", recording.kept_at, "")
    lost = ("recording_lost", recording.lost_at, recording.failure)
    deleted = ("recording_deleted", recording.deleted_at, "")
    return [Event(at, what, detail) for what, at, detail in (known, kept, lost, deleted) if at is not None]
