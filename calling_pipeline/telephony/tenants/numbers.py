"""Numbers of telephony: customers' and collectors' as `phones` reads them, extensions, and rotated caller numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from calling_pipeline.errors import InvalidInput
from calling_pipeline.phones import read_phone

_EXTENSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")
_CALLER = re.compile(r"\+?\d{3,20}")
LONGEST_RANGE = 10_000


def customer_number(text: str, *, field: str = "phone") -> str:
    """The canonical form of a number to call.

    Raises `InvalidInput`, which names `field` and never the number, when the text names no whole number.
    """
    reading = read_phone(text)
    if reading.phone is None:
        raise InvalidInput(f"{field} is not a telephone number that can be called ({reading.kind})", field=field)
    return reading.phone


def international_number(text: str, *, field: str = "callback_number") -> str:
    """E.164 (`+8613800000000`); numbers without a country are mainland Chinese ones.

    Raises `InvalidInput`, which names `field` and never the number, when the text names no whole number.
    """
    phone = customer_number(text, field=field)
    return phone if phone.startswith("+") else f"+86{phone}"


def extension_number(text: str) -> str:
    """The number of a SIP line: 1 to 32 letters, digits, dots, dashes and underscores. Raises `InvalidInput`."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not _EXTENSION.fullmatch(plain) or not plain.isascii():
        raise InvalidInput("an extension number has 1 to 32 letters, digits, dots, dashes or underscores", field="number")
    return plain


def caller_numbers(values: Sequence[str]) -> list[str]:
    """A pool of caller numbers, each once, in the order given. Raises `InvalidInput`."""
    numbers = list(dict.fromkeys(value.strip() for value in values))
    if any(not _CALLER.fullmatch(number) or not number.isascii() for number in numbers):
        raise InvalidInput("caller_numbers: each has 3 to 20 digits, with or without +", field="caller_numbers")
    return numbers


def caller_range(start: str | None, end: str | None) -> tuple[str, str] | None:
    """A range of caller numbers: both ends included, of one length, at most `LONGEST_RANGE` numbers; None without one.

    Raises `InvalidInput`.
    """
    if not start and not end:
        return None
    if not start or not end or len(start) != len(end) or not _CALLER.fullmatch(start) or not _CALLER.fullmatch(end):
        raise InvalidInput(
            "caller_range_start and caller_range_end need the same number of digits", field="caller_range_end"
        )
    if not (start + end).isascii() or start.startswith("+") != end.startswith("+"):
        raise InvalidInput("caller_range_start and caller_range_end need the same form", field="caller_range_end")
    if not 0 <= int(end) - int(start) < LONGEST_RANGE:
        raise InvalidInput(f"the caller range must hold 1 to {LONGEST_RANGE} numbers", field="caller_range_end")
    return start, end


def rotated(turn: int, pool: Sequence[str], start: str | None, end: str | None) -> str | None:
    """The caller number whose turn it is: first the pool's, then the range's, then the pool's again; None without any."""
    width = int(end) - int(start) + 1 if start and end else 0
    if not pool and not width:
        return None
    place = turn % (len(pool) + width)
    if place < len(pool):
        return pool[place]
    assert start is not None
    plus = "+" if start.startswith("+") else ""
    return plus + str(int(start) + place - len(pool)).zfill(len(start) - len(plus))
