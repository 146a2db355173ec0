"""What recordings need beside a connection: where they are kept, the key, how they are downloaded."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from calling_pipeline.settings import Settings
from calling_pipeline.telephony.calls.recordings.storage import Folder, RecordingStore
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

    @classmethod
    def of(cls, settings: Settings) -> Keeping:
        """As the settings say."""
        return cls(
            store=Folder(settings.recordings_dir or settings.home / "recordings"),
            key=settings.secret_key_bytes(),
            reach=Reach.of(settings),
            limits=Limits(settings.recordings_largest_mb * 1024**2),
            days=settings.recordings_days,
            link_lasts=dt.timedelta(hours=settings.recordings_link_hours),
            previous_key=settings.previous_key_bytes(),
        )


def owner_of(tenant_id: int, record_id: int) -> str:
    """For whom a recording's file is encrypted."""
    return f"tenant:{tenant_id}:call:{record_id}"
