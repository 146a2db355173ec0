"""The token that takes a number's place at its erasure: a keyed hash, by which the number is recognised if it comes again.

The key is random, made with the first erasure and kept sealed in the database, so that a new secret key changes no token.
"""

from __future__ import annotations

import hashlib
import hmac

from psycopg import sql

PREFIX = "erased:"
_HEX = 32
_BLOCK = 64
_SQL = "{prefix} || left(encode(sha256({outer} || sha256({inner} || convert_to({phone}, 'UTF8'))), 'hex'), {digits})"


def token_of(key: bytes, phone: str) -> str:
    """The token of a canonical number: `erased:` and 32 hexadecimal digits of HMAC-SHA256."""
    return PREFIX + hmac.digest(key, phone.encode(), hashlib.sha256).hex()[:_HEX]


def sql_token(key: bytes, column: sql.Composable) -> sql.Composed:
    """`token_of` of a column, as the database computes it."""
    padded = key.ljust(_BLOCK, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C))
    return sql.SQL(_SQL).format(
        prefix=sql.Literal(PREFIX),
        outer=sql.Literal(outer),
        inner=sql.Literal(inner),
        phone=column,
        digits=sql.Literal(_HEX),
    )
