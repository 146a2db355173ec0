"""Typed records of the list of calls and of one call's story. A leaf beside the other records of telephony."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from calling_pipeline.telephony.calls.recordings.records import RecordingState
from calling_pipeline.telephony.records import CallState


@dataclass(frozen=True)
class ListedCall:
    """One call in the list: the record, its recording's state, and the mean of what reviewers think now."""

    id: int
    tenant_id: int
    collector_id: int
    extension_number: str
    destination_masked: str
    case_id: str
    state: CallState
    started_at: dt.datetime
    duration_s: int | None
    contact_result: str | None
    failure: str | None
    recording: RecordingState | None
    score: float | None
    notes: int


@dataclass(frozen=True)
class CallFilter:
    """Which calls; None: all. `since` is always there: nobody looks through all calls ever made."""

    since: dt.datetime
    until: dt.datetime | None = None
    tenant_id: int | None = None
    collector_id: int | None = None
    state: CallState | None = None
    extension: str | None = None
    case_id: str | None = None
    recording: RecordingState | None = None
    reviewed: bool | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened to a call. `what` names it in the catalogue, `detail` is a value or a sentence of it."""

    at: dt.datetime
    what: str
    detail: str = ""
