"""What becomes of the number of an erased person that comes in again: every door that stores numbers asks here.

Rows that count (histories, lists, call records, bills) are stored under the token, so that figures stay right and the number
is not there; texts are stored with the number masked; what is about nothing but calling the person is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from calling_pipeline.contact_policy.erased import store
from calling_pipeline.database import locks
from calling_pipeline.errors import Conflict, InvalidInput
from calling_pipeline.masking import mask_phone
from calling_pipeline.phones import canonical_phone

_LOCK = ("erased persons", "entering")
_PATIENCE_S = 20.0
_NUMBERS = re.compile(r"(?<![0-9A-Za-z.*])(?:\+?86[ -]?|0086[ -]?)?(1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?![0-9*]|\.\d)")


class Entrance:
    """Numbers that come in through one door, in one transaction: nobody is erased until it ends."""

    def __init__(self, connection: sa.Connection) -> None:
        locks.share(connection, *_LOCK)
        self.erased = store.all_of_them(connection)

    def token(self, phone: str) -> str | None:
        """The token of a canonical number that was erased; None for any other."""
        return None if self.erased is None else self.erased.token(phone)

    def stored(self, phone: str) -> str:
        """What is stored of a canonical number: itself, or the token of an erased one."""
        return self.token(phone) or phone


def refuse(connection: sa.Connection, phone: str) -> None:
    """Raise `InvalidInput` for a canonical number that was erased; nobody is erased until the transaction ends."""
    locks.share(connection, *_LOCK)
    if store.among(connection, [phone]):
        raise InvalidInput(
            "this person had their data erased: nobody calls them, and nothing about them is kept", field="phone"
        )


def masked(connection: sa.Connection, texts: Sequence[str]) -> list[str]:
    """The texts with the numbers of erased people masked; where no mobile number stands in any, it costs no statement."""
    known = {found[1]: canonical_phone(found[1]) for text in texts for found in _NUMBERS.finditer(text)}
    if not known:
        return list(texts)
    locks.share(connection, *_LOCK)
    gone = store.among(connection, list({phone for phone in known.values() if phone is not None}))

    def replaced(found: re.Match[str]) -> str:
        phone = known[found[1]]
        return mask_phone(phone) if phone in gone else found[0]

    return [_NUMBERS.sub(replaced, text) for text in texts] if gone else list(texts)


def shut(connection: sa.Connection) -> None:
    """Let nothing enter until this transaction ends. Raises `Conflict` while an import or a read is at work."""
    locks.wait_at_most(connection, _PATIENCE_S)
    try:
        locks.hold(connection, *_LOCK)
    except OperationalError as error:
        raise Conflict(
            "an import or a read of call records is at work and may bring the number; nothing was changed, ask again when it"
            " has ended"
        ) from error
    locks.wait_at_most(connection, 0)
