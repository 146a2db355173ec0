"""The first page of the contact policy: look a number up, when calls are allowed today, and every cap with its value."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from markupsafe import Markup

from calling_pipeline import days
from calling_pipeline.charts.hours import day_bar
from calling_pipeline.console.pages.policy.rules_in_use import Rules, rules_in_use
from calling_pipeline.console.views import View, viewing
from calling_pipeline.contact_policy import gate, hours, store
from calling_pipeline.contact_policy.records import CalendarCap, Policy, RollingCap

router = APIRouter(tags=["policy"])
Viewer = Annotated[View, Depends(viewing("viewer", "policy"))]
COUNTED = 10_000
"""A longer list is not counted to its end."""
_AHEAD = dt.timedelta(days=30)
_UNITS = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))


@dataclass(frozen=True)
class Setting:
    """One line of a policy: the key of its document, the value, and what it means."""

    name: str
    value: str
    meaning: str
    own: bool


@dataclass(frozen=True)
class Shown:
    """A policy as the page shows it."""

    rules: Rules
    bar: Markup
    said: str
    open_now: bool
    settings: list[Setting]


@router.get("/policy")
def overview(view: Viewer) -> Response:
    """Look a number up; today's hours, caps and gaps of every policy in use."""
    now, today = days.now(), days.today()
    with view.transaction() as connection:
        active = store.count_up_to(connection, now, COUNTED, source=None, state="active")
        holidays = store.holidays_between(connection, today, today + _AHEAD)
        found = [(rules, gate.with_holidays(connection, rules.policy, now)) for rules in rules_in_use(connection, view)]
    policies = [_shown(view, rules, policy, now) for rules, policy in found]
    ahead = sorted(holidays.items())
    return view.page("policy/overview.html", active=active, counted=COUNTED, ahead=ahead, policies=policies)


def _shown(view: View, rules: Rules, policy: Policy, now: dt.datetime) -> Shown:
    today = days.day_of(now)
    spans = hours.open_on(policy, today)
    said = ", ".join(f"{_clock(start)}-{_clock(end, today)}" for start, end in spans) or view.t("policy.closed_today")
    label = view.t("policy.bar_label", day=today, spans=said)
    open_now = hours.refusal(policy, now) is None
    return Shown(rules, day_bar(today, spans, label, now), said, open_now, settings_of(view, rules))


def settings_of(view: View, rules: Rules) -> list[Setting]:
    """Every key of the policy's document with the value that holds, and whether it was set or comes with the preset."""
    policy, given = rules.policy, rules.document
    anything = view.t("policy.any")
    week = policy.hours.weekdays if policy.hours else frozenset(range(7))
    lines = {
        "preset": (str(given.get("preset", "carrier")), ""),
        "hours": _hours(view, policy),
        "breaks": (", ".join(f"{a:%H:%M}-{b:%H:%M}" for a, b in (policy.hours.breaks if policy.hours else ())), ""),
        "weekdays": (
            " ".join(str(day + 1) for day in sorted(week)),
            " ".join(view.t(f"policy.weekday_{day}") for day in sorted(week)),
        ),
        "closed_on_holidays": (view.t("common.yes" if policy.closed_on_holidays else "common.no"), ""),
        "rolling": ("; ".join(_cap(view, cap) for cap in policy.rolling), ""),
        "calendar": ("; ".join(_cap(view, cap) for cap in policy.calendar), ""),
        "minimum_gap_s": (str(policy.minimum_gap_s), _span(view, policy.minimum_gap_s) if policy.minimum_gap_s else ""),
        "pair_gap_s": (str(policy.pair_gap_s), _span(view, policy.pair_gap_s) if policy.pair_gap_s else ""),
        "countries": (anything if policy.countries is None else ", ".join(sorted(policy.countries)), ""),
        "number_kinds": _kinds(view, policy),
    }
    return [Setting(name, value or view.t("policy.none"), more, name in given) for name, (value, more) in lines.items()]


def _hours(view: View, policy: Policy) -> tuple[str, str]:
    if policy.hours is None:
        return "null", view.t("policy.all_day")
    closes = "24:00" if policy.hours.closes == dt.time(0) else f"{policy.hours.closes:%H:%M}"
    return f"{policy.hours.opens:%H:%M}-{closes}", ""


def _kinds(view: View, policy: Policy) -> tuple[str, str]:
    if policy.number_kinds is None:
        return view.t("policy.any"), ""
    kinds = sorted(policy.number_kinds)
    return ", ".join(kinds), ", ".join(view.t(f"policy.number_{kind}") for kind in kinds)


def _cap(view: View, cap: RollingCap | CalendarCap) -> str:
    if isinstance(cap, CalendarCap):
        return view.t(f"policy.cap_per_{cap.period}", n=cap.limit)
    return view.t("policy.cap_within", n=cap.limit, span=_span(view, cap.within_s))


def _span(view: View, seconds: int) -> str:
    """In its largest whole unit; 24 hours are not called a day, which would be one of the calendar."""
    size, unit = next(
        (size, unit) for size, unit in _UNITS if seconds % size == 0 and (unit != "days" or seconds >= 2 * size)
    )
    return view.t(f"common.span_{unit}", n=seconds // size)


def _clock(instant: dt.datetime, day: dt.date | None = None) -> str:
    local = instant.astimezone(days.SHANGHAI)
    return "24:00" if day is not None and local.date() > day else f"{local:%H:%M}"
