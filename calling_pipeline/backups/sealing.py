"""The secret key in a backup: sealed with a passphrase of people, recognised by a print that opens nothing."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from calling_pipeline.database.crypto import derive_key
from calling_pipeline.errors import ConfigurationError

SHORTEST = 12
"""Letters of a passphrase: a backup lies where people try passphrases as long as they like."""
_VERSION = b"calling-key-1\n"
_SALT_BYTES = 16
_NONCE_BYTES = 12
_COST = 2**15


def print_of(material: bytes) -> str:
    """What tells this key from another."""
    return derive_key(material, "print of the key").hex()[:16]


def seal(material: bytes, passphrase: str) -> bytes:
    """The key, encrypted for whoever knows the passphrase. Raises `ConfigurationError` for one that is too short."""
    if len(passphrase) < SHORTEST:
        raise ConfigurationError(f"CALLING_BACKUP_PASSPHRASE is shorter than {SHORTEST} letters; set a longer one")
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    return _VERSION + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, material, _VERSION)


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """The key. Raises `ConfigurationError` when the passphrase is another one."""
    body = sealed.removeprefix(_VERSION)
    salt, nonce = body[:_SALT_BYTES], body[_SALT_BYTES : _SALT_BYTES + _NONCE_BYTES]
    try:
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, body[_SALT_BYTES + _NONCE_BYTES :], _VERSION)
    except (InvalidTag, ValueError):
        raise ConfigurationError(
            "CALLING_BACKUP_PASSPHRASE does not open the key of this backup; set the one it was made with"
        ) from None


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(passphrase.encode())
