"""The columns of a list: how each value is read from a row, shown on the page and written to an export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
Value = str | int | float | bool | dt.date | dt.datetime | None


@dataclass(frozen=True)
class State:
    """A value with a colour and a word of the catalogue. `tone`: good, warn, bad, busy or quiet."""

    key: str
    tone: str = "quiet"


@dataclass(frozen=True)
class Sentence:
    """An English sentence of a room, shown in the reader's language."""

    text: str


@dataclass(frozen=True)
class Link:
    """A value that leads somewhere. `to` is an address."""

    text: Value | Sentence
    to: str


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column. `key` names it in exports and, with the list's `texts`, its head in the catalogue.

    `value` gives what is shown: text, a number, an instant, `Link`, `State` or `Sentence`. `sorts`: the list may be sorted
    by it. `wide`: left out on a narrow screen.
    """

    key: str
    value: Callable[[Row], Any]
    sorts: bool = False
    number: bool = False
    wide: bool = False
