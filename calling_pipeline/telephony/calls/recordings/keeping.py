"""What recordings need beside a connection: where they are kept, the key, how they are downloaded."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from calling_pipeline.telephony.recordings.storage import RecordingStore
from calling_pipeline.vendors.recordings import Limits
from calling_pipeline.vendors.url_guard import Reach


@dataclass(frozen=True)
class Keeping:
    """`days`: how long recordings are kept; `link_lasts`: how long a link works that does not say so itself."""

    store: RecordingStore
    key: bytes = field(repr=False)
    reach: Reach
    limits: Limits
    days: int
    link_lasts: dt.timedelta
    previous_key: bytes | None = field(default=None, repr=False)
    """The key before, during a rotation: files stay as they were sealed until they are deleted."""


def owner_of(tenant_id: int, record_id: int) -> str:
    """For whom a recording's file is encrypted."""
    return f"tenant:{tenant_id}:call:{record_id}"
