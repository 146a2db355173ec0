"""The token that takes a number's place at its erasure: a keyed hash, by which the number is recognised if it comes again.

The key is random, made with the first erasure and kept sealed in the database, so that a new secret key changes no token.
"""

from __future__ import annotations

import hashlib
import hmac

PREFIX = "erased:"
DIGITS = 32


def token_of(key: bytes, phone: str) -> str:
    """The token of a canonical number: `erased:` and 32 hexadecimal digits of HMAC-SHA256."""
    return PREFIX + hmac.digest(key, phone.encode(), hashlib.sha256).hex()[:DIGITS]
