"""The example's contract ledger: contracts to notify, contracts that were, and lines that nobody can use. Pure."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Sequence

from calling_pipeline.notifications.contracts.ledger_rows import COLUMNS, NOTIFIED

CONTRACTS = 36
PREFIX = "example-"
_NOTIFIED = COLUMNS.index(NOTIFIED)
_CITIES = ("北京", "上海", "杭州")
_HOUSEKEEPERS = ("示例管家甲", "示例管家乙", "示例管家丙", "示例管家丁")
_PROVIDERS = ("示例防水工程公司", "示例装饰公司")


def ledger(first: int = 1) -> bytes:
    """The file as a spreadsheet saves it, its contracts numbered from `first`: UTF-8, lines ended by CR and LF."""
    return _file([*(row(number) for number in range(first, first + CONTRACTS)), *_unusable(first + CONTRACTS)])


def notified(ids: Iterable[str]) -> bytes:
    """The file of a removed example: every contract says `Y`, so that what waits is withdrawn."""
    return _file([[*row(int(one.removeprefix(PREFIX)))[:_NOTIFIED], "Y", "无"] for one in sorted(ids)])


def row(number: int) -> list[str]:
    """The line of one contract; every sixth was notified already, every fifth has reached an award."""
    dice = random.Random(f"contract {number}")
    award = number % 5 == 0
    return [
        f"{PREFIX}{number:04d}",
        f"SL-2026-{number:04d}",
        dice.choice(_HOUSEKEEPERS),
        dice.choice(_CITIES),
        dice.choice(_PROVIDERS),
        str(number),
        str(1 + number // 4),
        f"{dice.randint(30, 900) * 100}",
        f"{dice.randint(20, 65)}%",
        "1" if award else "0",
        "节节高" if award else "",
        "达标奖" if award else "",
        "Y" if number % 6 == 0 else "N",
        "无" if award else f"距离达标奖还差 {dice.randint(1, 4)} 单",
    ]


def as_line(cells: Sequence[str]) -> bytes:
    """One line of the file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()


def _unusable(first: int) -> list[list[str]]:
    """Lines to park: no id, neither Y nor N, an amount that is none, and two that contradict each other."""
    without_id, undecided, no_amount, one, other = (row(first + place) for place in (0, 1, 2, 3, 3))
    without_id[0] = ""
    undecided[_NOTIFIED] = "待定"
    no_amount[7], no_amount[_NOTIFIED] = "约三万", "N"
    other[7] = "1"
    return [without_id, undecided, no_amount, one, other]


def _file(rows: Sequence[Sequence[str]]) -> bytes:
    return b"\xef\xbb\xbf" + b"".join(as_line(cells) for cells in (COLUMNS, *rows))
