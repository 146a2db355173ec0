"""A month's file: a SQLite database of encrypted, compressed chunks of rows, each found by the number it is asked for.

Rows come in slices of a batch. A chunk holds the rows of one slice whose numbers fall into one bucket by their keyed hash,
so that a look by number opens one chunk of each slice. Without the product's key nothing in it can be read, and nobody but
the owner may open the file. What is erased is overwritten.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from calling_pipeline.database.crypto import derive_key
from calling_pipeline.errors import SecretUnreadable
from calling_pipeline.masking import phone_hash

Row = dict[str, Any]
ROWS_OF_A_CHUNK = 200
"""On average: enough to compress well, few enough to open at once."""
NO_NUMBER = -1
"""The bucket of rows whose text names no number."""
_NONCE_BYTES = 12
_MOMENTS = ("planned_at", "claimed_at", "slot")
_SLICES = (
    "CREATE TABLE IF NOT EXISTS slices (batch_id INTEGER NOT NULL, slice INTEGER NOT NULL, buckets INTEGER NOT NULL,"
    " PRIMARY KEY (batch_id, slice)) WITHOUT ROWID"
)
_CHUNKS = (
    "CREATE TABLE IF NOT EXISTS chunks (batch_id INTEGER NOT NULL, slice INTEGER NOT NULL, bucket INTEGER NOT NULL,"
    " sealed BLOB NOT NULL, PRIMARY KEY (batch_id, slice, bucket)) WITHOUT ROWID"
)
_OF_SLICE = "SELECT batch_id, slice, bucket, sealed FROM chunks WHERE batch_id = ? AND slice = ?"
_OF_BUCKETS = f"{_OF_SLICE} AND bucket IN (?, ?)"


@dataclass(frozen=True)
class Keys:
    """The key that seals chunks, and the one that numbers are hashed with."""

    seal: bytes
    phone: bytes


@dataclass(frozen=True)
class _Chunk:
    batch_id: int
    slice: int
    bucket: int
    rows: Sequence[Row]


class MonthFile:
    """One file of the archives. Raises `SecretUnreadable` where a chunk was sealed with another key."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self._path, self._keys = path, keys
        self._cipher = AESGCM(derive_key(keys.seal, "archives of rows"))

    def put(self, batch_id: int, rows: Sequence[Row]) -> None:
        """Keep a slice, named by its first id, instead of what an interrupted run left of it; on disk when it returns."""
        number, buckets = int(rows[0]["id"]), max(1, len(rows) // ROWS_OF_A_CHUNK)
        chunks: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            chunks[NO_NUMBER if row["phone"] is None else self._bucket(row["phone"], buckets)].append(row)
        with self._opened() as file:
            file.execute("DELETE FROM chunks WHERE batch_id = ? AND slice = ?", (batch_id, number))
            file.execute("DELETE FROM slices WHERE batch_id = ? AND slice = ?", (batch_id, number))
            file.execute("INSERT INTO slices VALUES (?, ?, ?)", (batch_id, number, buckets))
            for bucket, some in chunks.items():
                place = (batch_id, number, bucket)
                file.execute("INSERT INTO chunks VALUES (?, ?, ?, ?)", (*place, self._seal(some, *place)))

    def slice_of(self, batch_id: int, first_id: int) -> list[Row]:
        """Every row of a slice, by id."""
        with self._opened() as file:
            rows = [row for chunk in self._chunks(file, _OF_SLICE, batch_id, first_id) for row in chunk.rows]
        return sorted(rows, key=lambda row: int(row["id"]))

    def bring_over(self, before: Keys) -> int:
        """Seal every slice anew that the keys `before` sealed, each in one transaction; returns how many."""
        with self._opened() as file:
            slices = file.execute("SELECT batch_id, slice FROM slices").fetchall()
        old, brought = MonthFile(self._path, before), 0
        for batch_id, number in slices:
            try:
                self.slice_of(batch_id, number)
            except SecretUnreadable:
                self.put(batch_id, old.slice_of(batch_id, number))
                brought += 1
        return brought

    def offered(self, phone: str, wanted: Callable[[Row], bool]) -> list[Row]:
        """The `wanted` rows among those of a canonical number and those that name none: their texts may contain it."""
        with self._opened() as file:
            return [row for chunk in self._asked(file, phone) for row in chunk.rows if wanted(row)]

    def change(self, phone: str, changed: Callable[[Row], Row | None]) -> int:
        """Replace the same rows by what `changed` makes of them, None leaves one as it is; returns how many changed."""
        count = 0
        with self._opened() as file:
            for chunk in list(self._asked(file, phone)):
                new = [changed(row) for row in chunk.rows]
                replaced = sum(row is not None for row in new)
                if replaced:
                    place = (chunk.batch_id, chunk.slice, chunk.bucket)
                    sealed = self._seal([row or old for row, old in zip(new, chunk.rows, strict=True)], *place)
                    file.execute(
                        "UPDATE chunks SET sealed = ? WHERE batch_id = ? AND slice = ? AND bucket = ?", (sealed, *place)
                    )
                count += replaced
        return count

    def _asked(self, file: sqlite3.Connection, phone: str) -> Iterator[_Chunk]:
        for batch_id, number, buckets in file.execute("SELECT batch_id, slice, buckets FROM slices").fetchall():
            yield from self._chunks(file, _OF_BUCKETS, batch_id, number, self._bucket(phone, buckets), NO_NUMBER)

    def _chunks(self, file: sqlite3.Connection, query: str, *values: int) -> Iterator[_Chunk]:
        for batch_id, number, bucket, sealed in file.execute(query, values).fetchall():
            yield _Chunk(batch_id, number, bucket, self._open(sealed, batch_id, number, bucket))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The file in a transaction, made when it is not there, for its owner alone; what is overwritten is gone."""
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        with contextlib.closing(sqlite3.connect(self._path, timeout=60)) as file:
            file.execute("PRAGMA synchronous = FULL")
            file.execute("PRAGMA secure_delete = ON")
            with file:
                file.execute(_SLICES)
                file.execute(_CHUNKS)
                yield file

    def _bucket(self, phone: str, buckets: int) -> int:
        return int.from_bytes(phone_hash(self._keys.phone, phone)[:8], "big") % buckets

    def _seal(self, rows: Sequence[Row], *place: int) -> bytes:
        text = json.dumps(rows, ensure_ascii=False, default=_as_text, separators=(",", ":"))
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, zlib.compress(text.encode(), 6), _named(place))

    def _open(self, sealed: bytes, *place: int) -> list[Row]:
        try:
            packed = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _named(place))
        except InvalidTag as error:
            raise SecretUnreadable(
                f"{self._path.name} was encrypted with another key or is damaged; restore CALLING_SECRET_KEY or the file"
            ) from error
        return [_from_text(row) for row in json.loads(zlib.decompress(packed))]


def _named(place: Sequence[int]) -> bytes:
    """A chunk that is moved to another place of the file cannot be opened there."""
    return ":".join(map(str, place)).encode()


def _as_text(value: object) -> str:
    assert isinstance(value, dt.date)
    return value.isoformat()


def _from_text(row: Row) -> Row:
    moments = {name: dt.datetime.fromisoformat(row[name]) for name in _MOMENTS if row[name] is not None}
    return {**row, **moments, "day": dt.date.fromisoformat(row["day"])}
