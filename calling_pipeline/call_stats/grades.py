"""The grade rule: which call records are orders. Source: the operators' rule in Guanke's contract."""

from __future__ import annotations

import re
from typing import Literal

OrderYuan = Literal[0, 1, 9]
_NINE = re.compile(r"(?<!\d)9元")
_ONE = re.compile(r"(?<!\d)1元")
_KNOWN_WITHOUT_ORDER = re.compile(r"\s*[A-F]?\s*|.*\d元.*", re.DOTALL | re.IGNORECASE)


def order_yuan(grade: str | None) -> OrderYuan:
    """9, 1 or 0 (no order). `9元` within a larger amount (`19元`) is no order; a grade that names both counts as 9."""
    if not grade:
        return 0
    if grade == "9" or _NINE.search(grade):
        return 9
    if grade == "1" or _ONE.search(grade):
        return 1
    return 0


def is_unknown(grade: str | None) -> bool:
    """Whether a grade is none of: blank, an order, a plain letter A … F, or some other amount in yuan."""
    return bool(grade) and order_yuan(grade) == 0 and not _KNOWN_WITHOUT_ORDER.fullmatch(grade or "")
