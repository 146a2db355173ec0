"""Opens a kept recording for a listener, and notes who listened."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.errors import NotFound
from calling_pipeline.telephony.calls.recordings import store
from calling_pipeline.telephony.calls.recordings.keeping import Keeping, owner_of
from calling_pipeline.telephony.calls.recordings.sealed_files import SealedReader

_VERIFIED_AT_ONCE = 64 * 1024**2
"""Bytes up to which the whole file is judged before its first byte is given out."""
_BATCH = 200


@dataclass(frozen=True)
class Playable:
    """A kept recording: its size, its media type, and its content by ranges."""

    size: int
    media_type: str
    _keeping: Keeping
    _file: str
    _owner: str

    def read(self, first: int, end: int) -> Iterator[bytes]:
        """The content from `first` to before `end`. Raises `NotFound` and `SecretUnreadable` before its first byte."""
        file = self._keeping.store.open(self._file)
        try:
            reader = SealedReader(file, self._keeping.key, self._owner, self.size, previous=self._keeping.previous_key)
            if first == 0 and self.size <= _VERIFIED_AT_ONCE:
                reader.verify()
            pieces = reader.read(first, end)
            head = next(pieces, b"")
        except BaseException:
            file.close()
            raise
        return _following(head, pieces, file)


def open_recording(connection: sa.Connection, keeping: Keeping, record_id: int) -> Playable:
    """The recording of a call. Raises `NotFound` where none is kept."""
    kept = store.kept_file(connection, record_id)
    if kept is None:
        raise NotFound("there is no recording of this call")
    media_type = kept.media_type or "application/octet-stream"
    return Playable(kept.bytes, media_type, keeping, kept.file, owner_of(kept.tenant_id, record_id))


def note_listening(connection: sa.Connection, record_id: int, tenant_id: int, *, who: str) -> None:
    """Keep in the audit log that a person listened."""
    note_act(connection, "recording.listen", f"call:{record_id}", by=who, tenant_id=tenant_id)


def delete_old(connection: sa.Connection, keeping: Keeping) -> int:
    """Delete the files of recordings older than their retention, at most a batch; how many. Their rows stay."""
    now = days.now()
    old = store.older_than(connection, now - dt.timedelta(days=keeping.days), _BATCH)
    for one in old:
        keeping.store.delete(one.file)
    return store.deleted(connection, [one.record_id for one in old], now)


def _following(head: bytes, pieces: Iterator[bytes], file: BinaryIO) -> Iterator[bytes]:
    with contextlib.closing(file):
        yield head
        yield from pieces
