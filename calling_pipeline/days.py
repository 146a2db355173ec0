"""The business day (Asia/Shanghai) and the clock: the only place that knows what time it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from calling_pipeline.errors import InvalidInput

SHANGHAI = ZoneInfo("Asia/Shanghai")
Clock = Callable[[], dt.datetime]


def _system_clock() -> dt.datetime:
    return dt.datetime.now(SHANGHAI)


_clock: Clock = _system_clock


def now() -> dt.datetime:
    """The current instant, aware, in Asia/Shanghai."""
    return _clock().astimezone(SHANGHAI)


def today() -> dt.date:
    """The current business day."""
    return now().date()


def set_clock(clock: Clock | None) -> None:
    """Replace the clock of this process (`None`: the system's). For composition roots and tests."""
    global _clock
    _clock = clock or _system_clock


def clock_starting_at(instant: dt.datetime) -> Clock:
    """A clock that reads `instant` now and runs on at normal speed."""
    offset = instant.astimezone(SHANGHAI) - _system_clock()
    return lambda: _system_clock() + offset


@contextmanager
def frozen(instant: dt.datetime) -> Iterator[None]:
    """Stop the clock at `instant` within the block."""
    previous = _clock
    set_clock(lambda: instant)
    try:
        yield
    finally:
        set_clock(previous)


def parse_day(text: str, *, field: str = "date") -> dt.date:
    """`YYYY-MM-DD` as a day; anything else raises `InvalidInput` naming `field`."""
    try:
        day = dt.date.fromisoformat(text)
    except (ValueError, TypeError):
        day = None
    if day is None or day.isoformat() != text:
        raise InvalidInput(f"{field} {str(text)[:40]!r} is not a date; write it as YYYY-MM-DD", field=field)
    return day


def day_asked(text: str, *, field: str = "date") -> dt.date:
    """The day that a person names: `YYYY-MM-DD`, `today` or `yesterday`. Raises `InvalidInput` naming `field`."""
    if text in ("today", "yesterday"):
        return today() - dt.timedelta(days=text == "yesterday")
    return parse_day(text, field=field)


def parse_instant(text: str, *, field: str) -> dt.datetime:
    """An instant written in ISO 8601; without an offset it is Shanghai's. Raises `InvalidInput`."""
    try:
        instant = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(f"{field} {text[:40]!r} is no instant; write it as 2026-11-30T18:00", field=field) from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=SHANGHAI)


def day_of(instant: dt.datetime) -> dt.date:
    """The business day an aware instant falls on."""
    return instant.astimezone(SHANGHAI).date()


def day_bounds(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """First instant of `day` and first instant of the next one (half-open)."""
    start = dt.datetime.combine(day, dt.time(), SHANGHAI)
    return start, dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), SHANGHAI)


def day_range(first: dt.date, last: dt.date) -> list[dt.date]:
    """Every day from `first` to `last`, both included; `InvalidInput` when they are the wrong way round."""
    if last < first:
        raise InvalidInput(f"the range {first} to {last} ends before it begins")
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def wall_clock(instant: dt.datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS` in Asia/Shanghai, the form vendors exchange."""
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
