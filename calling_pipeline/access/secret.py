"""Random secrets that prove who somebody is: tokens, sessions, login links. Only their digests are stored.

Each has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess that a slow hash would protect.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """A new secret of 43 characters, fit for a header, a cookie and an address."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """What is stored of a secret, and by what it is found."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def csrf_token(secret: str) -> str:
    """The token that a page of this session shows and every change sends back: only who reads the page knows it.

    It is computed from the session's secret, so it needs no place to be kept, and says nothing about that secret.
    """
    return hmac.new(secret.encode(errors="replace"), b"csrf", hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    """Whether both are equal, compared in constant time."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace"))
