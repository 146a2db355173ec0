"""The rules themselves, pure: facts of one number → verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from calling_pipeline import days
from calling_pipeline.contact_policy import hours
from calling_pipeline.contact_policy.records import Facts, Period, Policy, Rule, Verdict

ALLOWED = Verdict(allowed=True)


@dataclass(frozen=True)
class _Refusal:
    rule: Rule
    reason: str
    until: dt.datetime | None


def judge(policy: Policy, facts: Facts, at: dt.datetime) -> Verdict:
    """The first rule that refuses names the verdict; `not_before` is when the last of all that refuse lets go."""
    refusals = list(_refusals(policy, facts, at))
    if not refusals:
        return ALLOWED
    first = refusals[0]
    return Verdict(False, first.rule, first.reason, _not_before(policy, refusals))


def period_start(period: Period, at: dt.datetime) -> dt.datetime:
    """First instant of the calendar period of Asia/Shanghai that holds `at`."""
    return days.day_bounds(_first_day(period, days.day_of(at)))[0]


def _not_before(policy: Policy, refusals: list[_Refusal]) -> dt.datetime | None:
    ends = [refusal.until for refusal in refusals]
    known = [end for end in ends if end is not None]
    return hours.next_open(policy, max(known)) if len(known) == len(ends) else None


def _refusals(policy: Policy, facts: Facts, at: dt.datetime) -> Iterator[_Refusal]:
    if facts.blocked:
        until = f"until {facts.blocked_until:%Y-%m-%d %H:%M}" if facts.blocked_until else "for ever"
        yield _Refusal("do_not_call", f"on the do-not-call list ({facts.blocked_by}), {until}", facts.blocked_until)
    closed = hours.refusal(policy, at)
    if closed:
        yield _Refusal(closed, f"outside the calling hours of policy {policy.name}", hours.next_open(policy, at))
    yield from _gap_refusals(policy, facts, at)
    yield from _cap_refusals(policy, facts, at)


def _gap_refusals(policy: Policy, facts: Facts, at: dt.datetime) -> Iterator[_Refusal]:
    pair_gap = dt.timedelta(seconds=policy.pair_gap_s)
    if pair_gap and facts.pair_last is not None and facts.pair_last + pair_gap > at:
        said = f"the same caller contacted it less than {policy.pair_gap_s} s ago"
        yield _Refusal("pair_gap", said, facts.pair_last + pair_gap)
    gap = dt.timedelta(seconds=policy.minimum_gap_s)
    if gap and facts.recent and facts.recent[0] + gap > at:
        said = f"contacted less than {policy.minimum_gap_s} s ago"
        yield _Refusal("minimum_gap", said, facts.recent[0] + gap)


def _cap_refusals(policy: Policy, facts: Facts, at: dt.datetime) -> Iterator[_Refusal]:
    for rolling in policy.rolling:
        window = dt.timedelta(seconds=rolling.within_s)
        oldest = _nth(facts, rolling.limit)
        if rolling.limit == 0 or (oldest is not None and oldest + window > at):
            until = oldest + window if oldest is not None and rolling.limit else None
            yield _Refusal("rolling_cap", f"contacted {rolling.limit} times within {_span(rolling.within_s)}", until)
    for calendar in policy.calendar:
        oldest = _nth(facts, calendar.limit)
        if calendar.limit == 0 or (oldest is not None and oldest >= period_start(calendar.period, at)):
            until = _period_end(calendar.period, max(at, oldest or at)) if calendar.limit else None
            yield _Refusal("calendar_cap", f"contacted {calendar.limit} times this {calendar.period}", until)


def _nth(facts: Facts, limit: int) -> dt.datetime | None:
    return facts.recent[limit - 1] if 0 < limit <= len(facts.recent) else None


def _first_day(period: Period, day: dt.date) -> dt.date:
    match period:
        case "day":
            return day
        case "week":
            return day - dt.timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)


def _period_end(period: Period, at: dt.datetime) -> dt.datetime:
    first = _first_day(period, days.day_of(at))
    span = {"day": 1, "week": 7, "month": 32}[period]
    return days.day_bounds(_first_day(period, first + dt.timedelta(days=span)))[0]


def _span(seconds: int) -> str:
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds % unit == 0:
            return f"{seconds // unit} {name}"
    return f"{seconds} seconds"
