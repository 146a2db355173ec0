"""Which days the address of a page of statistics names: one, or a range; words are taken as well as dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.ranges.views import require_range
from calling_pipeline.call_stats.views import require_partition
from calling_pipeline.errors import InvalidInput

RANGES = (7, 31, 90, 400)
"""Lengths in days that the pages offer."""


@dataclass(frozen=True)
class Span:
    """The days that were asked for, both ends included."""

    first: dt.date
    last: dt.date
    today: dt.date

    @property
    def is_day(self) -> bool:
        """Whether it is one day."""
        return self.first == self.last

    @property
    def count(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def query(self) -> str:
        """The part of an address that names it."""
        return f"date={self.first}" if self.is_day else f"from={self.first}&to={self.last}"

    @property
    def before(self) -> str:
        """The address of as many days before."""
        return self._shifted(-self.count)

    @property
    def after(self) -> str | None:
        """The address of as many days after, None when they have not begun."""
        return None if self.last >= self.today else self._shifted(self.count)

    def _shifted(self, by: int) -> str:
        first, last = self.first + dt.timedelta(days=by), min(self.today, self.last + dt.timedelta(days=by))
        return f"/stats?{Span(first, last, self.today).query}"


def up_to_today(count: int, today: dt.date) -> str:
    """The address of the last `count` days."""
    return f"/stats?from={today - dt.timedelta(days=count - 1)}&to={today}"


def span_of(connection: sa.Connection, query: Mapping[str, str], oldest: dt.date, *, days_back: int = 0) -> Span:
    """The days in the query of an address (`date`, `from` and `to`, or `last`); else today and `days_back` days before it.

    Raises `InvalidInput`, which names the field, for what is no date, outside the days there are, or both forms at once.
    """
    today, day, first, last = days.today(), query.get("date", ""), query.get("from", ""), query.get("to", "")
    if "last" in query:
        days_back = _count(query["last"]) - 1
    if day and (first or last):
        raise InvalidInput("name one day, or the first and last day of a range", field="date")
    if day:
        wanted = require_partition(days.day_asked(day), oldest)
        return Span(wanted, wanted, today)
    if first or last:
        found = require_range(connection, first or last, last or "today", oldest, options=("from", "to"))
        return Span(found[0], found[-1], today)
    return Span(max(oldest, today - dt.timedelta(days=days_back)), today, today)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= RANGES[-1]):
        raise InvalidInput(f"last is a whole number of days from 1 to {RANGES[-1]}", field="last")
    return int(text)
