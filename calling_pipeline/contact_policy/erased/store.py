"""The SQL of erased numbers."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects.postgresql import insert

from calling_pipeline.contact_policy.erased.tokens import DIGITS, PREFIX, token_of
from calling_pipeline.contact_policy.tables import erased_persons, erasure_keys
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import ConfigurationError

_BLOCK = 64
_SQL = "{prefix} || left(encode(sha256({outer} || sha256({inner} || convert_to({phone}, 'UTF8'))), 'hex'), {digits})"
_NOBODY = sql.SQL("FALSE")


@dataclass(frozen=True)
class Erased:
    """All erased numbers, for who reads many: each by its token."""

    key: bytes = field(repr=False)
    tokens: frozenset[str]

    def token(self, phone: str) -> str | None:
        """The token of a canonical number that was erased; None for any other."""
        token = token_of(self.key, phone)
        return token if token in self.tokens else None


def all_of_them(connection: sa.Connection) -> Erased | None:
    """Every erased number; None while there is none."""
    known_key = _key_if_any(connection)
    if known_key is None:
        return None
    return Erased(known_key, frozenset(connection.execute(sa.select(erased_persons.c.token)).scalars()))


def among(connection: sa.Connection, phones: Sequence[str]) -> frozenset[str]:
    """Those of `phones` that were erased. Raises `ConfigurationError`, `SecretUnreadable` when that cannot be known."""
    known_key = _key_if_any(connection)
    if known_key is None or not phones:
        return frozenset()
    tokens = {token_of(known_key, phone): phone for phone in phones}
    found = sa.select(erased_persons.c.token).where(erased_persons.c.token == sa.any_(sa.literal(list(tokens), _TEXTS)))
    return frozenset(tokens[row.token] for row in connection.execute(found))


def condition(connection: sa.Connection, column: str) -> sql.Composable:
    """A condition on a column of numbers, for statements over many: whether it is one that was erased."""
    known_key = _key_if_any(connection)
    if known_key is None:
        return _NOBODY
    token = _sql_token(known_key, sql.SQL(column))
    return sql.SQL("({} IN (SELECT token FROM erased_persons))").format(token)


def token_in_sql(connection: sa.Connection, column: str) -> sql.Composable | None:
    """What `condition` compares; None when nobody was erased."""
    known_key = _key_if_any(connection)
    return None if known_key is None else _sql_token(known_key, sql.SQL(column))


def add(connection: sa.Connection, token: str, now: dt.datetime) -> None:
    """Keep that the number of `token` is never contacted again; known already, nothing changes."""
    connection.execute(insert(erased_persons).values(token=token, erased_at=now).on_conflict_do_nothing())


def _sql_token(key: bytes, column: sql.Composable) -> sql.Composed:
    """`token_of` of a column, as the database computes it."""
    padded = key.ljust(_BLOCK, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C))
    return sql.SQL(_SQL).format(
        prefix=sql.Literal(PREFIX),
        outer=sql.Literal(outer),
        inner=sql.Literal(inner),
        phone=column,
        digits=sql.Literal(DIGITS),
    )


def _key_if_any(connection: sa.Connection) -> bytes | None:
    """The key of the tokens; None while nobody was erased."""
    some = connection.execute(sa.select(sa.exists().select_from(erased_persons))).scalar_one()
    return key(connection) if some else None


OPTION = "secret_box"
"""Execution option of an engine: gives what opens the key. `Runtime` sets it."""
OWNER = "erased persons"
"""For whom the key is sealed."""
_TEXTS = sa.ARRAY(sa.Text)


def key(connection: sa.Connection) -> bytes | None:
    """The key; None when nobody was ever erased. Raises `SecretUnreadable` with another secret key."""
    sealed = connection.execute(sa.select(erasure_keys.c.sealed)).scalar()
    return None if sealed is None else bytes.fromhex(_box(connection).open(bytes(sealed), owner=OWNER))


def key_or_new(connection: sa.Connection) -> bytes:
    """The key, made now when there is none; of two sessions that make it at once one wins."""
    fresh = _box(connection).seal(os.urandom(32).hex(), owner=OWNER)
    connection.execute(insert(erasure_keys).values(id=1, sealed=fresh).on_conflict_do_nothing())
    known = key(connection)
    assert known is not None
    return known


def _box(connection: sa.Connection) -> SecretBox:
    give: Callable[[], SecretBox] | Any = connection.get_execution_options().get(OPTION)
    if give is None:
        raise ConfigurationError(
            "people were erased, and this connection knows no secret key: no number may be contacted by it"
        )
    box: SecretBox = give()
    return box
