"""Brings files of recordings to the new key: each is written aside, kept on the disk, and put in its place in one step."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from calling_pipeline.errors import NotFound, SecretUnreadable
from calling_pipeline.telephony.calls.recordings import store
from calling_pipeline.telephony.calls.recordings.keeping import Keeping, owner_of
from calling_pipeline.telephony.calls.recordings.sealed_files import SealedReader, SealedWriter

_AT_ONCE = 10
"""Files of one transaction: their rows are locked while it lasts."""


def resealed(connection: sa.Connection, keeping: Keeping, unreadable: list[str]) -> Iterator[int]:
    """Seal every kept recording anew that the key before sealed; yields how many of each transaction.

    A file that neither key opens, or that is not there, is added to `unreadable` and stays as it is.
    """
    after = 0
    while rows := store.next_kept(connection, after, _AT_ONCE):
        after = rows[-1].record_id
        changed = 0
        for kept in rows:
            try:
                changed += _reseal(keeping, kept)
            except (NotFound, SecretUnreadable):
                unreadable.append(owner_of(kept.tenant_id, kept.record_id))
        connection.commit()
        yield changed


def _reseal(keeping: Keeping, kept: store.KeptFile) -> bool:
    """Whether the file was sealed with the key before, and is with the new one now."""
    owner = owner_of(kept.tenant_id, kept.record_id)
    with keeping.store.open(kept.file) as file:
        try:
            next(SealedReader(file, keeping.key, owner, kept.bytes).read(0, 1))
            return False
        except SecretUnreadable:
            file.seek(0)
        reader = SealedReader(file, keeping.key, owner, kept.bytes, previous=keeping.previous_key)
        with keeping.store.writing(kept.file) as new:
            writer = SealedWriter(new, keeping.key, owner)
            for piece in reader.read(0, kept.bytes):
                writer.write(piece)
            writer.finish()
    return True
