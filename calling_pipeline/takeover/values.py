"""Values of an old system, whatever their type: instants, days, whole numbers, texts, yes and no."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from calling_pipeline import days

_SPOKEN = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?")
_NOTHING = frozenset({"", "null", "none", "nan", "nat", "\\n", "0000-00-00 00:00:00", "0000-00-00"})
_WHOLE = re.compile(r"(\d{1,15})(?:\.0*)?")
_LONGEST_TEXT = 500


def text(value: Any) -> str | None:
    """A text without blanks around it, of 500 characters at most; None for none."""
    if value is None:
        return None
    said = value if isinstance(value, str) else _plain(value)
    clean = said.replace("\x00", "\N{REPLACEMENT CHARACTER}").strip()[:_LONGEST_TEXT]
    return clean or None


def moment(value: Any) -> dt.datetime | None:
    """An instant: without a zone it is Shanghai's. None for none, and for what cannot be read as one."""
    if isinstance(value, dt.datetime):
        return _shanghai(value)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time(), days.SHANGHAI)
    said = "" if value is None else str(value).strip()
    if said.lower() in _NOTHING:
        return None
    try:
        return _of_digits(said) if said.isdecimal() else _of_text(said)
    except (ValueError, OverflowError):
        return None


def day(value: Any) -> dt.date | None:
    """A day in Asia/Shanghai; None for what cannot be read as one."""
    at = moment(value)
    return None if at is None else days.day_of(at)


def whole(value: Any) -> int | None:
    """A whole number, not negative; None for what is none."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float | Decimal):
        return int(value) if value >= 0 and value == int(value) else None
    found = _WHOLE.fullmatch(str(value).strip()) if value is not None else None
    return int(found[1]) if found else None


def is_true(value: Any, false_words: Iterable[str]) -> bool:
    """Whether a flag is set; one that is not there is set."""
    return value is None or str(value).strip().lower() not in {word.lower() for word in false_words}


def document(value: Any) -> Any:
    """What a column of JSON holds, as text or already decoded; None when it cannot be read."""
    if isinstance(value, dict | list):
        return value
    try:
        return json.loads(value) if isinstance(value, str | bytes) else None
    except ValueError:
        return None


def first_of(row: dict[str, Any], names: Sequence[str]) -> Any:
    """The value of the first name that the object has."""
    return next((row[name] for name in names if name in row), None)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value == int(value):
        return str(int(value))  # a number that a spreadsheet or JSON made of digits
    return str(value)


def _shanghai(at: dt.datetime) -> dt.datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=days.SHANGHAI)


def _of_text(said: str) -> dt.datetime | None:
    found = _SPOKEN.fullmatch(said)
    if found is not None:
        year, month, date, hour, minute, second = (int(part or 0) for part in found.groups())
        return dt.datetime(year, month, date, hour, minute, second, tzinfo=days.SHANGHAI)
    return _shanghai(dt.datetime.fromisoformat(said))


def _of_digits(said: str) -> dt.datetime | None:
    """`20261130` with or without `083000`, or seconds or milliseconds since 1970."""
    form = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}.get(len(said))
    if form:
        return dt.datetime.strptime(said, form).replace(tzinfo=days.SHANGHAI)
    scale = {10: 1, 13: 1000}.get(len(said))
    return dt.datetime.fromtimestamp(int(said) / scale, days.SHANGHAI) if scale else None
