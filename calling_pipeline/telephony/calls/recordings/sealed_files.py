"""Files encrypted in chunks with AES-256-GCM: written as a stream, read from any place, changed by nobody unnoticed.

A file is `CPREC1`, a salt of 16 bytes, and chunks of 64 KiB with a tag each. Its key is derived from the secret key, the
salt and the owner; the owner is bound as associated data too. A chunk's nonce is its number and whether it is the last one,
so that chunks cannot be swapped, left out or cut off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from calling_pipeline.database.crypto import derive_key
from calling_pipeline.errors import SecretUnreadable

MAGIC = b"CPREC1"
CHUNK = 64 * 1024
_SALT = 16
_TAG = 16
_HEAD = len(MAGIC) + _SALT


class SealedWriter:
    """Encrypts what is written into `file`. Without `finish` the file has no last chunk, and no reader takes it."""

    def __init__(self, file: BinaryIO, material: bytes, owner: str) -> None:
        salt = os.urandom(_SALT)
        self._file, self._owner, self._cipher = file, owner.encode(), _cipher(material, salt, owner)
        self._waiting, self._number = bytearray(), 0
        file.write(MAGIC + salt)

    def write(self, data: bytes) -> None:
        """Take more of the content."""
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]

    def finish(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, self._owner))
        self._number += 1


class SealedReader:
    """Reads an encrypted file of `size` bytes of content. Every chunk is judged before a byte of it is given out.

    A file that the `previous` key sealed is read too.
    """

    def __init__(self, file: BinaryIO, material: bytes, owner: str, size: int, *, previous: bytes | None = None) -> None:
        head = file.read(_HEAD)
        if head[: len(MAGIC)] != MAGIC or len(head) != _HEAD:
            raise _unreadable()
        self._file, self._owner, self._size = file, owner.encode(), size
        keys = [material] if previous is None else [material, previous]
        self._ciphers = [_cipher(key, head[len(MAGIC) :], owner) for key in keys]

    def read(self, first: int, end: int) -> Iterator[bytes]:
        """The content from byte `first` to before `end`. Raises `SecretUnreadable` for another key or a changed file."""
        last = max(0, -(-self._size // CHUNK) - 1)
        for number in range(first // CHUNK, min(last, max(0, end - 1) // CHUNK) + 1):
            self._file.seek(_HEAD + number * (CHUNK + _TAG))
            sealed = self._file.read(CHUNK + _TAG)
            chunk = self._opened(_nonce(number, last=number == last), sealed)
            begin = number * CHUNK
            yield chunk[max(0, first - begin) : end - begin]

    def _opened(self, nonce: bytes, sealed: bytes) -> bytes:
        for cipher in list(self._ciphers):
            try:
                chunk = cipher.decrypt(nonce, sealed, self._owner)
            except (InvalidTag, ValueError):
                continue
            self._ciphers = [cipher]  # one key sealed the whole file
            return chunk
        raise _unreadable()

    def verify(self) -> None:
        """Judge the whole file. Raises `SecretUnreadable`."""
        for _ in self.read(0, self._size):
            pass


def _cipher(material: bytes, salt: bytes, owner: str) -> AESGCM:
    return AESGCM(derive_key(material, f"recording {owner} {salt.hex()}"))


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes((0, 0, 0, last)) + number.to_bytes(8, "big")


def _unreadable() -> SecretUnreadable:
    return SecretUnreadable("the recording cannot be read: its file was changed, or CALLING_SECRET_KEY is another than then")
