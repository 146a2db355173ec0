"""One number within texts, in every spelling: how the database looks for it, and how it is masked where it stands."""

from __future__ import annotations

import re
from typing import Any

from calling_pipeline.masking import mask_phone

_BETWEEN = r"[\s.·()（）/_\u00a0\u3000‐‑‒–—―−－-]{0,3}"
_BEFORE = rf"(?:\+?(?:00)?86{_BETWEEN}|0)?"
_WIDE = {str(digit): chr(0xFF10 + digit) for digit in range(10)}


def pattern_of(digits: str) -> str:
    """A pattern that finds the number, for Python and for PostgreSQL: with separators, a country code, wide digits."""
    spelled = _BETWEEN.join(f"[{digit}{_WIDE[digit]}]" for digit in digits)
    return rf"(?<![0-9０-９]){_BEFORE}{spelled}(?![0-9０-９])"


def masked_in(value: Any, digits: str) -> Any:
    """A text or document with the number masked, wherever it stands: in texts, as a number, in names of fields."""
    return _masked(value, re.compile(pattern_of(digits)), mask_phone(digits))


def _masked(value: Any, pattern: re.Pattern[str], mask: str) -> Any:
    if isinstance(value, str):
        return pattern.sub(mask, value)
    if isinstance(value, dict):
        return {pattern.sub(mask, name): _masked(one, pattern, mask) for name, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, pattern, mask) for one in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and pattern.search(str(value)):
        return mask
    return value
