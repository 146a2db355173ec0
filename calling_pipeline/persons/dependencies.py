"""What exports and erasures need beside a connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from calling_pipeline.call_batches.calls.archives.archiving import Archives
from calling_pipeline.call_batches.dependencies import archives_of
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.recordings.keeping import Keeping
from calling_pipeline.telephony.calls.recordings.storage import RecordingStore


@dataclass(frozen=True)
class PersonDependencies:
    """`phone_keys`: of `masking.phone_hash`. `recordings`, `archives`: where sound and rows of old batches are.

    `secrets` opens reports of calls that are kept because they cannot be read.
    """

    phone_keys: Sequence[bytes] = field(repr=False)
    recordings: RecordingStore
    archives: Archives
    secrets: SecretBox = field(repr=False)

    @classmethod
    def from_runtime(cls, runtime: Runtime) -> PersonDependencies:
        """As every door needs them."""
        return cls(runtime.phone_keys, Keeping.of(runtime.settings).store, archives_of(runtime), runtime.secrets)
