"""The grade rule: which call records are orders. Source: the operators' rule in Guanke's contract."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

OrderYuan = Literal[0, 1, 9]
BUILT_IN: Mapping[str, OrderYuan] = {"9元": 9, "9": 9, "1元": 1, "1": 1, "A": 0, "B": 0, "C": 0, "D": 0, "E": 0, "F": 0}
"""Word → the order it stands for, 0 for none."""
_AMOUNT = re.compile(r"\d元")


@dataclass(frozen=True)
class GradeWords:
    """The vocabulary: a word of digits, or of no order, is the whole grade; any other order word may stand within it."""

    words: Mapping[str, OrderYuan] = field(default_factory=lambda: BUILT_IN)

    @cached_property
    def orders(self) -> tuple[tuple[OrderYuan, frozenset[str], re.Pattern[str]], ...]:
        """For 9, then 1: the whole grades, and the pattern of words within one, which no digit may precede."""
        return tuple(self._order(yuan) for yuan in (9, 1))

    @cached_property
    def without_order(self) -> frozenset[str]:
        """Grades that are known and no order, in lower case."""
        return frozenset(_plain(word).strip().lower() for word, yuan in self.words.items() if yuan == 0)

    def _order(self, yuan: OrderYuan) -> tuple[OrderYuan, frozenset[str], re.Pattern[str]]:
        words = [_plain(word) for word, stands_for in self.words.items() if stands_for == yuan]
        within = [re.escape(word) for word in words if not word.isdecimal()]
        return yuan, frozenset(words), re.compile(rf"(?<!\d)(?:{'|'.join(within) or '(?!)'})")


_DEFAULT = GradeWords()


def order_yuan(grade: str | None, words: GradeWords = _DEFAULT) -> OrderYuan:
    """9, 1 or 0 (no order). `9元` within a larger amount (`19元`) is no order; a grade that names both counts as 9.

    Full-width and other compatible forms are read as their plain ones (`９元` is `9元`).
    """
    if not grade:
        return 0
    plain = _plain(grade)
    for yuan, whole, within in words.orders:
        if plain in whole or within.search(plain):
            return yuan
    return 0


def is_unknown(grade: str | None, words: GradeWords = _DEFAULT) -> bool:
    """Whether a grade is none of: blank, an order, a known word without an order (A … F), another amount in yuan."""
    plain = _plain(grade or "").strip()
    if not plain or order_yuan(grade, words):
        return False
    return plain.lower() not in words.without_order and not _AMOUNT.search(plain)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
