"""Named policies, and policies written as a JSON document: a preset with overrides, per calling task or tenant."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from calling_pipeline import days
from calling_pipeline.contact_policy.records import CalendarCap, Hours, Period, Policy, RollingCap
from calling_pipeline.errors import InvalidInput
from calling_pipeline.phones import NUMBER_KINDS

CARRIER = Policy(
    name="carrier",
    hours=Hours(dt.time(8, 0), dt.time(21, 0)),
    rolling=(RollingCap(3, 300), RollingCap(5, 86400)),
    pair_gap_s=1,
)
"""Public carrier rules: 08:00–21:00 Beijing time, 3 in 5 minutes, 5 in 24 h, one pair not twice within one second."""

CONSIDERATE = replace(
    CARRIER,
    name="considerate",
    hours=Hours(dt.time(9, 0), dt.time(20, 0), breaks=((dt.time(12, 0), dt.time(14, 0)),)),
    closed_on_holidays=True,
    calendar=(CalendarCap(2, "day"), CalendarCap(5, "week")),
    minimum_gap_s=2 * 3600,
)
"""Stricter than the carriers: no lunch hours, no holidays, two per day, five per week, two hours between."""

LIST_ONLY = Policy(name="list_only", hours=None)
"""Only the do-not-call list refuses, and what is no mobile or land line of China."""

PRESETS: Mapping[str, Policy] = {policy.name: policy for policy in (CARRIER, CONSIDERATE, LIST_ONLY)}
DEFAULT = CARRIER

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def policy_from(document: Mapping[str, Any] | None) -> Policy:
    """The policy a document describes. Raises `InvalidInput`, which names the key that is wrong.

    `{"preset": "carrier", "hours": "09:00-20:00", "breaks": ["12:00-14:00"], "weekdays": [1,2,3,4,5], "closed_on_holidays":
    true, "holidays": ["2026-10-01"], "rolling": [[5, "24h"]], "calendar": [[2, "day"]], "minimum_gap_s": 600,
    "pair_gap_s": 1, "countries": ["CN"], "number_kinds": ["mobile", "land_line"]}`; every key is optional, weekdays count
    from Monday = 1, `"hours": null` means all day, `"countries": null` and `"number_kinds": null` mean all of them.
    """
    document = dict(document or {})
    name = document.pop("preset", DEFAULT.name)
    unknown = sorted(set(document) - _OVERRIDES.keys())
    if unknown:
        known = ", ".join(("preset", *_OVERRIDES))
        raise InvalidInput(f"policy has no key {unknown[0]!r}; known: {known}", field=f"policy.{unknown[0]}")
    if not isinstance(name, str) or name not in PRESETS:
        raise InvalidInput(f"there is no policy preset {name!r}; known: {', '.join(PRESETS)}", field="policy.preset")
    policy = PRESETS[name]
    for key, value in document.items():
        try:
            policy = _OVERRIDES[key](policy, value)
        except (InvalidInput, ValueError, TypeError, AttributeError) as error:
            raise InvalidInput(f"policy.{key}: {error}", field=f"policy.{key}") from None
    return replace(policy, name=f"{name} (adapted)") if document else policy


def _hours(policy: Policy, value: Any) -> Policy:
    if value is None:
        return replace(policy, hours=None)
    opens, closes = _span(value, may_end_at_midnight=True)
    return replace(policy, hours=replace(policy.hours or Hours(), opens=opens, closes=closes))


def _breaks(policy: Policy, value: Any) -> Policy:
    return replace(policy, hours=replace(policy.hours or _ALL_DAY, breaks=tuple(_span(text) for text in value)))


def _weekdays(policy: Policy, value: Any) -> Policy:
    weekdays = frozenset(_number(day, 1, 7) - 1 for day in value)
    return replace(policy, hours=replace(policy.hours or _ALL_DAY, weekdays=weekdays))


def _closed_on_holidays(policy: Policy, value: Any) -> Policy:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return replace(policy, closed_on_holidays=value)


def _holidays(policy: Policy, value: Any) -> Policy:
    return replace(policy, closed_on_holidays=True, holidays=frozenset(days.parse_day(day) for day in value))


def _rolling(policy: Policy, value: Any) -> Policy:
    return replace(policy, rolling=tuple(RollingCap(_number(limit), _seconds(span)) for limit, span in value))


def _calendar(policy: Policy, value: Any) -> Policy:
    return replace(policy, calendar=tuple(CalendarCap(_number(limit), _period(name)) for limit, name in value))


def _minimum_gap_s(policy: Policy, value: Any) -> Policy:
    return replace(policy, minimum_gap_s=_number(value))


def _pair_gap_s(policy: Policy, value: Any) -> Policy:
    return replace(policy, pair_gap_s=_number(value, 0, 86_400))


def _countries(policy: Policy, value: Any) -> Policy:
    if value is None:
        return replace(policy, countries=None)
    if isinstance(value, str) or any(not isinstance(code, str) or not _COUNTRY.fullmatch(code) for code in value):
        raise ValueError(f"{value!r} is not a list of countries; write them as CN, HK")
    return replace(policy, countries=frozenset(value))


def _number_kinds(policy: Policy, value: Any) -> Policy:
    if value is None:
        return replace(policy, number_kinds=None)
    if isinstance(value, str) or any(kind not in NUMBER_KINDS for kind in value):
        raise ValueError(f"{value!r} is not a list of kinds of numbers; known: {', '.join(NUMBER_KINDS)}")
    return replace(policy, number_kinds=frozenset(value))


_ALL_DAY = Hours(dt.time(0), dt.time(0))
_COUNTRY = re.compile(r"[A-Z]{2}|001", re.ASCII)
_OVERRIDES: Mapping[str, Callable[[Policy, Any], Policy]] = {
    "hours": _hours,
    "breaks": _breaks,
    "weekdays": _weekdays,
    "closed_on_holidays": _closed_on_holidays,
    "holidays": _holidays,
    "rolling": _rolling,
    "calendar": _calendar,
    "minimum_gap_s": _minimum_gap_s,
    "pair_gap_s": _pair_gap_s,
    "countries": _countries,
    "number_kinds": _number_kinds,
}
"""What each key of a policy document changes; each raises `ValueError` or `TypeError` for a value it cannot read."""


def _span(text: str, *, may_end_at_midnight: bool = False) -> tuple[dt.time, dt.time]:
    match = re.fullmatch(r"(\d{2}:\d{2})-(\d{2}:\d{2})", text)
    if match is None:
        raise ValueError(f"{text!r} is not a span of hours; write it as 09:00-20:00")
    midnight = may_end_at_midnight and match.group(2) in ("24:00", "00:00")
    start = dt.time.fromisoformat(match.group(1))
    end = dt.time(0) if midnight else dt.time.fromisoformat(match.group(2))
    if end <= start and not midnight:
        raise ValueError(f"{text!r} ends before it begins")
    return start, end


def _number(value: Any, low: int = 0, high: int = 10_000_000) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{value!r} is not a whole number from {low} to {high}")
    return value


def _seconds(span: Any) -> int:
    match = re.fullmatch(r"([1-9]\d{0,6})([smhd])", str(span))
    if match is None:
        raise ValueError(f"{span!r} is not a span of time; write it as 30s, 5m, 24h or 7d")
    return int(match.group(1)) * _UNITS[match.group(2)]


def _period(name: Any) -> Period:
    if name not in get_args(Period):
        raise ValueError(f"{name!r} is not a calendar period; known: {', '.join(get_args(Period))}")
    return cast(Period, name)
