"""Typed records of recordings. A leaf: imports nothing of ours."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

RecordingState = Literal["wanted", "kept", "expired", "refused", "deleted"]
RECORDING_STATES: tuple[RecordingState, ...] = ("wanted", "kept", "expired", "refused", "deleted")


@dataclass(frozen=True)
class Recording:
    """One call's recording as shown. `expired`: its link stopped working before it was fetched; `failure` says why."""

    record_id: int
    tenant_id: int
    state: RecordingState
    known_at: dt.datetime
    expires_at: dt.datetime
    attempts: int
    next_try_at: dt.datetime
    failure: str
    bytes: int | None
    media_type: str | None
    kept_at: dt.datetime | None
    lost_at: dt.datetime | None
    deleted_at: dt.datetime | None


@dataclass(frozen=True)
class Fetch:
    """One claimed fetch. `claim` is the token that its outcome must show."""

    record_id: int
    tenant_id: int
    config_id: int
    claim: int
    attempts: int
    expires_at: dt.datetime
    link: str = field(repr=False)
    recording_file: str | None


@dataclass(frozen=True)
class Fetched:
    """What one round of fetching did."""

    queued: int = 0
    kept: int = 0
    later: int = 0
    lost: int = 0


@dataclass(frozen=True)
class RecordingCounts:
    """How the recordings of a span stand."""

    wanted: int
    kept: int
    lost: int
    deleted: int
