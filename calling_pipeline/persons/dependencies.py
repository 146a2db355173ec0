"""What exports and erasures need beside a connection."""

from __future__ import annotations

from dataclasses import dataclass, field

from calling_pipeline.call_batches.archives.archiving import Archives
from calling_pipeline.call_batches.dependencies import archives_of
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.dependencies import keeping_of
from calling_pipeline.telephony.recordings.storage import RecordingStore


@dataclass(frozen=True)
class PersonDependencies:
    """`phone_key`: of `masking.phone_hash`. `recordings`, `archives`: where sound and rows of old batches are."""

    phone_key: bytes = field(repr=False)
    recordings: RecordingStore
    archives: Archives

    @classmethod
    def from_runtime(cls, runtime: Runtime) -> PersonDependencies:
        """As every door needs them."""
        return cls(runtime.phone_key, keeping_of(runtime).store, archives_of(runtime))
