"""Counts and amounts of a ledger row, as people and spreadsheets write them: what is shown to a group must be a number."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

MOST_CONTRACTS = 1_000_000
MOST_YUAN = Decimal(1_000_000_000)
_COUNT = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+)(?:\.0+)?", re.ASCII)
_AMOUNT = re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?", re.ASCII)
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)", re.ASCII)


def plain(text: str) -> str:
    """`text` without blanks around it and with full-width forms as their plain ones: `１，２００` is `1,200`."""
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip()


@lru_cache(maxsize=4096)
def count(text: str) -> str | None:
    """A number of contracts as it is shown (`12.0` as `12`); None when it is none, negative or absurd."""
    matched = _COUNT.fullmatch(plain(text))
    if matched is None or (len(matched[1]) > 6 and _value(matched[1]) > MOST_CONTRACTS):
        return None
    return matched[1]


@lru_cache(maxsize=4096)
def amount(text: str) -> str | None:
    """Yuan as they are shown; None when they are no number, negative or absurd."""
    shown = plain(text)
    return shown if _AMOUNT.fullmatch(shown) and (len(shown) <= 9 or _value(shown) <= MOST_YUAN) else None


@lru_cache(maxsize=4096)
def rate(text: str) -> str | None:
    """A conversion rate as it is shown (`0.354` as `35%`, an empty one as `-`); None when it is none or above 100 %."""
    shown = plain(text)
    if shown in ("", "-"):
        return "-"
    matched = _RATE.fullmatch(shown)
    if matched is None or Decimal(matched[1]) > 100:
        return None
    number = Decimal(matched[1])
    return f"{number * 100:.0f}%" if not matched[2] and number <= 1 else shown


def _value(digits: str) -> Decimal:
    return Decimal(digits.replace(",", ""))
