"""How values are shown on pages: numbers, times in Asia/Shanghai, ages, masked phones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from calling_pipeline import days
from calling_pipeline.masking import mask_mobiles, mask_phone

Text = Callable[..., str]
NOTHING = "–"


def filters(text: Text) -> Mapping[str, Callable[..., Any]]:
    """The filters of templates; `text` gives the words of the language."""
    return {
        "num": number,
        "pct": percent,
        "day": day,
        "moment": moment,
        "clock": clock,
        "age": lambda instant, now=None: age(instant, text, now=now),
        "lasting": lambda seconds: lasting(seconds, text),
        "coded": coded,
        "phone": lambda value: mask_phone(value) if value else NOTHING,
        "masked": mask_mobiles,
    }


def number(value: float | None) -> str:
    """`12,345`; a dash for what is not known. Fractions keep two places."""
    if value is None:
        return NOTHING
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def percent(value: float | None) -> str:
    """`12.34 %` of a percentage."""
    return NOTHING if value is None else f"{float(value):.2f} %"


def day(value: dt.date | None) -> str:
    """`2026-11-30`."""
    return NOTHING if value is None else value.isoformat()


def moment(value: dt.datetime | None) -> str | Markup:
    """An instant as Shanghai's wall clock, `11-30 07:05:12`, in a `time` element with the whole of it."""
    if value is None:
        return NOTHING
    local = value.astimezone(days.SHANGHAI)
    return _time(local, f"{local:%m-%d %H:%M:%S}")


def clock(value: dt.datetime | None) -> str | Markup:
    """The time of day alone, `07:05:12`."""
    if value is None:
        return NOTHING
    local = value.astimezone(days.SHANGHAI)
    return _time(local, f"{local:%H:%M:%S}")


def age(value: dt.datetime | None, text: Text, *, now: dt.datetime | None = None) -> str:
    """How long ago, in the largest fitting unit; what is still to come likewise."""
    if value is None:
        return NOTHING
    seconds = ((now or days.now()) - value).total_seconds()
    said = lasting(abs(seconds), text)
    return text("common.ago", span=said) if seconds >= 0 else text("common.in_future", span=said)


def lasting(seconds: float | None, text: Text) -> str:
    """A span in its largest unit: `45 s`, `12 min`, `3 h`, `5 d`."""
    if seconds is None:
        return NOTHING
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size or (unit == "minutes" and seconds >= size):
            return text(f"common.span_{unit}", n=int(seconds // size))
    return text("common.span_seconds", n=int(seconds) if seconds >= 10 else round(seconds, 1))


def coded(sentence: str) -> Markup:
    """A sentence in which what stands between backticks is shown as a command."""
    parts = sentence.split("`")
    return Markup().join(Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts))


def _time(local: dt.datetime, short: str) -> Markup:
    whole = f"{local:%Y-%m-%d %H:%M:%S}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(local.isoformat(timespec="seconds"), whole, short)
