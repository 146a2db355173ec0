"""A calling task's cron: five fields, or six with seconds first, `?` for "any day"; Asia/Shanghai. Pure.

Days of the week count as in Unix (0 and 7 are Sunday); names (MON-FRI) are taken too.
"""

from __future__ import annotations

import datetime as dt

from croniter import croniter
from croniter.croniter import CroniterBadCronError, CroniterBadDateError

from calling_pipeline import days
from calling_pipeline.errors import InvalidInput


def check_cron(text: str) -> str:
    """The cron with single blanks; `InvalidInput` with what is wrong and an example."""
    fields = text.split()
    if len(fields) not in (5, 6):
        raise InvalidInput(
            f"cron {text[:60]!r} has {len(fields)} fields; write 5 (0 9 * * *), or 6 with seconds first (0 0 9 * * ?)",
            field="cron",
        )
    plain = _plain(fields)
    try:
        croniter(plain, _EPOCH, second_at_beginning=True).get_next()
    except (CroniterBadCronError, CroniterBadDateError, ValueError, KeyError, IndexError) as error:
        raise InvalidInput(f"cron {text[:60]!r} is not one: {error}", field="cron") from None
    return " ".join(fields)


def next_ticks(cron: str, after: dt.datetime, count: int = 5) -> list[dt.datetime]:
    """The next `count` ticks after `after`."""
    ticks = croniter(_plain(cron.split()), _naive(after), second_at_beginning=True)
    found = []
    for _ in range(count):
        try:
            found.append(_aware(ticks.get_next(dt.datetime)))
        except CroniterBadDateError:
            break
    return found


def latest_tick(cron: str, after: dt.datetime, until: dt.datetime) -> dt.datetime | None:
    """The last tick within (after, until], None when there was none."""
    ticks = croniter(_plain(cron.split()), _naive(until) + dt.timedelta(seconds=1), second_at_beginning=True)
    try:
        tick = _aware(ticks.get_prev(dt.datetime))
        while tick > until:
            tick = _aware(ticks.get_prev(dt.datetime))
    except CroniterBadDateError:
        return None
    return tick if tick > after else None


_EPOCH = dt.datetime(2026, 1, 1)  # noqa: DTZ001  # wall-clock time of Asia/Shanghai, which has no summer time


def _plain(fields: list[str]) -> str:
    day, weekday = len(fields) - 3, len(fields) - 1
    return " ".join("*" if field == "?" and place in (day, weekday) else field for place, field in enumerate(fields))


def _naive(instant: dt.datetime) -> dt.datetime:
    return instant.astimezone(days.SHANGHAI).replace(tzinfo=None)


def _aware(local: dt.datetime) -> dt.datetime:
    return local.replace(tzinfo=days.SHANGHAI)
