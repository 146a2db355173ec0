"""The hours of one day as a bar: when contacts are allowed, and where the day stands now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from markupsafe import Markup

from calling_pipeline import days

WIDTH, HEIGHT = 360, 46
_TOP, _BAR = 4, 20
_RECT = Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"></rect>')
_TICK = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
_MARK = Markup('<rect class="now" x="{:.1f}" y="{}" width="2" height="{}"></rect>')
_SVG = Markup('<svg class="chart hours" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')


def day_bar(day: dt.date, spans: Sequence[tuple[dt.datetime, dt.datetime]], label: str, now: dt.datetime) -> Markup:
    """The bar of `day`; `spans` are when it is open. `label` says the same in words."""
    begin, end = days.day_bounds(day)
    whole = (end - begin).total_seconds()

    def place(instant: dt.datetime) -> float:
        return WIDTH * max(0.0, min(1.0, (instant - begin).total_seconds() / whole))

    parts = [_RECT.format("closed", 0, _TOP, WIDTH, _BAR)]
    parts += [_RECT.format("open", place(start), _TOP, place(until) - place(start), _BAR) for start, until in spans]
    if begin <= now < end:
        parts.append(_MARK.format(min(place(now), WIDTH - 2), _TOP - 4, _BAR + 8))
    for hour in range(0, 25, 6):
        anchor = "start" if hour == 0 else "end" if hour == 24 else "middle"
        parts.append(_TICK.format(WIDTH * hour // 24, _TOP + _BAR + 16, anchor, f"{hour:02}:00"))
    return _SVG.format(WIDTH, HEIGHT, label, Markup("").join(parts))
