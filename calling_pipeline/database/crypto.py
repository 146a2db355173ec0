"""Secrets at rest: AES-256-GCM with the row they belong to as associated data, and keys derived for each purpose."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from calling_pipeline.errors import SecretUnreadable

_NONCE_BYTES = 12
_VERSION = b"\x01"


def derive_key(material: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose (HMAC-SHA256 of the purpose, as HKDF-Expand's first block does)."""
    return hmac.digest(hashlib.sha256(material).digest(), purpose.encode() + b"\x01", hashlib.sha256)


def phone_key_of(material: bytes) -> bytes:
    """The key of `masking.phone_hash`."""
    return derive_key(material, "phone hash")


class SecretBox:
    """Encrypts short texts. `owner` (such as `"tenant:7:access_key"`) binds a secret to its row and column.

    What the `previous` key sealed opens too, as long as a rotation lasts.
    """

    def __init__(self, material: bytes, previous: bytes | None = None) -> None:
        self._cipher = AESGCM(derive_key(material, "secrets at rest"))
        self._previous = None if previous is None else AESGCM(derive_key(previous, "secrets at rest"))

    def seal(self, secret: str, *, owner: str) -> bytes:
        """Ciphertext (version byte, 12-byte nonce, data and tag) of `secret`."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), owner.encode())

    def open(self, sealed: bytes, *, owner: str) -> str:
        """The secret; `SecretUnreadable` when the key or the owner is another."""
        for cipher in filter(None, (self._cipher, self._previous)):
            try:
                return _opened(cipher, sealed, owner)
            except (InvalidTag, ValueError):
                continue
        raise SecretUnreadable(
            f"the secret of {owner} was encrypted with another key; restore CALLING_SECRET_KEY or enter the secret again"
        )

    def is_current(self, sealed: bytes, *, owner: str) -> bool:
        """Whether the key in use sealed it, and not the one before."""
        try:
            _opened(self._cipher, sealed, owner)
        except (InvalidTag, ValueError):
            return False
        return True


def _opened(cipher: AESGCM, sealed: bytes, owner: str) -> str:
    if sealed[:1] != _VERSION:
        raise InvalidTag
    nonce = sealed[1 : 1 + _NONCE_BYTES]
    return cipher.decrypt(nonce, sealed[1 + _NONCE_BYTES :], owner.encode()).decode()
