"""Brings what is sealed and hashed with the key before to the new one, in chunks, while everything goes on running.

Both keys open until it is done, and after a kill it is simply begun again: each row is changed whole, from the one key to
the other. A hash of a number that no table holds in full cannot be made anew; it is compared with both keys until retention
deletes its row: call records of people whom nobody here called. No secret needs the key before any more.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.backups.key_rotation import store
from calling_pipeline.backups.key_rotation.recordings import resealed
from calling_pipeline.backups.key_rotation.sealed import SEALED, SealedColumn
from calling_pipeline.backups.snapshots import own_connection
from calling_pipeline.call_batches.calls.archives.store_files import Keys, MonthFile
from calling_pipeline.call_batches.dependencies import archives_of
from calling_pipeline.database.crypto import SecretBox, phone_key_of
from calling_pipeline.database.engine import driver_connection
from calling_pipeline.errors import ConfigurationError, SecretUnreadable
from calling_pipeline.masking import phone_hash
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.recordings.keeping import Keeping

CHUNK = 500
"""Rows of one transaction."""


@dataclass(frozen=True)
class Rotated:
    """What was brought to the new key: rows by column, hashes by table; `unreadable`: secrets that neither key opens.

    Nothing needs the key before to be opened any more. `keep_until`: until then call records may be there of numbers that no
    table holds in full; with the key before they are found by number, too.
    """

    sealed: Mapping[str, int]
    hashes: Mapping[str, int]
    keep_until: dt.date
    unreadable: tuple[str, ...] = field(default=())


def rotate(runtime: Runtime, *, by: str, chunk: int = CHUNK, say: Callable[[str], None] = lambda said: None) -> Rotated:
    """Seal and hash anew what the key of CALLING_SECRET_KEY_PREVIOUS sealed. Raises `ConfigurationError` without it."""
    settings = runtime.settings
    before = settings.previous_key_bytes()
    if before is None:
        raise ConfigurationError(
            "set CALLING_SECRET_KEY to the new key and CALLING_SECRET_KEY_PREVIOUS to the one before, and start every"
            " service with both; then rotate"
        )
    old, new = phone_key_of(before), runtime.phone_key
    sealed, hashes, unreadable = Counter[str](), Counter[str](), list[str]()
    with own_connection(runtime.direct_url) as connection:
        driver = driver_connection(connection)
        store.create_new_hashes(driver)
        connection.commit()
        for one in SEALED:
            say(f"sealing {one.name}")
            for rows in _resealed(connection, runtime.secrets, one, new, chunk, unreadable):
                sealed[one.name] += rows
        say("hashing numbers that are known in full")
        _collect(connection, old, new)
        for table, column, time in store.HASHED:
            for day in store.days_of(connection, table, time):
                hashes[table.name] += store.rehash_day(connection, table, column, time, day)
                connection.commit()
        say("sealing recordings")
        sealed["recordings"] = sum(resealed(connection, Keeping.of(runtime.settings), unreadable))
        say("sealing archives")
        sealed["archives"] = _archives_brought_over(runtime, before, old)
        after = {"sealed": sum(sealed.values()), "hashes": sum(hashes.values()), "unreadable": len(unreadable)}
        note_act(connection, "keys.rotate", "keys:secret", by=by, after=after)
        connection.commit()
    kept = settings.call_record_retention_days
    return Rotated(dict(sealed), dict(hashes), days.today() + dt.timedelta(days=kept), tuple(unreadable))


def _resealed(
    connection: sa.Connection, box: SecretBox, one: SealedColumn, phone_key: bytes, chunk: int, unreadable: list[str]
) -> Iterator[int]:
    """Seal one column anew, a chunk a transaction; yields how many rows of each were changed."""
    after = None
    while rows := store.next_rows(connection, one, after, chunk):
        changed = 0
        for row in rows:
            after = [row._mapping[key.name] for key in one.keys]
            value = bytes(row._mapping[one.column])
            owner = one.owner(row)
            if not value or box.is_current(value, owner=owner):  # empty: its person was erased
                continue
            try:
                plain = box.open(value, owner=owner)
            except SecretUnreadable:
                unreadable.append(owner)
                continue
            values = {one.column: box.seal(plain, owner=owner)}
            if one.hashed:
                values[one.hashed] = phone_hash(phone_key, plain)
            store.put(connection, one, row, values)
            changed += 1
        connection.commit()
        yield changed


def _archives_brought_over(runtime: Runtime, before: bytes, phone_key: bytes) -> int:
    """Month files of rows that were left out, slice by slice; how many slices."""
    archives = archives_of(runtime)
    files = sorted(archives.folder.glob("rows_*.sqlite")) if archives.folder.is_dir() else []
    return sum(MonthFile(path, archives.keys).bring_over(Keys(before, phone_key)) for path in files if path.is_file())


def _collect(connection: sa.Connection, old: bytes, new: bytes) -> None:
    """The hashes with both keys of every number that is known in full."""
    driver = driver_connection(connection)
    for numbers in store.known_numbers(driver):
        store.add_new_hashes(driver, ((phone_hash(old, number), phone_hash(new, number)) for number in numbers))
    connection.commit()
