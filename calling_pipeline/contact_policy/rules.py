"""The rules of the contact policy, pure: facts of one number → verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from calling_pipeline import days
from calling_pipeline.contact_policy import hours
from calling_pipeline.contact_policy.records import CalendarCap, Facts, Period, Policy, RollingCap, Rule, Verdict

ALLOWED = Verdict(allowed=True)


@dataclass(frozen=True)
class _Refusal:
    rule: Rule
    reason: str
    until: dt.datetime | None


def judge(policy: Policy, facts: Facts, at: dt.datetime) -> Verdict:
    """The first rule that refuses names the verdict; `not_before` is when the last rule that refuses ends."""
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
        until = f"until {facts.blocked_until:%Y-%m-%d %H:%M}" if facts.blocked_until else "permanently"
        yield _Refusal("do_not_call", f"on the do-not-call list ({facts.blocked_by}), {until}", facts.blocked_until)
    yield from _number_refusals(policy, facts)
    closed = hours.refusal(policy, at)
    if closed:
        yield _Refusal(closed, f"outside the calling hours of policy {policy.name}", hours.next_open(policy, at))
    yield from _gap_refusals(policy, facts, at)
    yield from _cap_refusals(policy, facts, at)


def _number_refusals(policy: Policy, facts: Facts) -> Iterator[_Refusal]:
    if policy.countries is not None and facts.country not in policy.countries:
        allowed = ", ".join(sorted(policy.countries)) or "no country"
        yield _Refusal("country", f"a number of {facts.country or 'an unknown country'}; allowed: {allowed}", None)
    if policy.number_kinds is not None and facts.number_kind not in policy.number_kinds:
        allowed = ", ".join(sorted(policy.number_kinds)) or "no kind"
        yield _Refusal("number_kind", f"a number of the kind {facts.number_kind}; allowed: {allowed}", None)


def _gap_refusals(policy: Policy, facts: Facts, at: dt.datetime) -> Iterator[_Refusal]:
    pair_gap = dt.timedelta(seconds=policy.pair_gap_s)
    if pair_gap and facts.pair_last is not None and facts.pair_last + pair_gap > at:
        reason = f"the same caller contacted it less than {policy.pair_gap_s} s ago"
        yield _Refusal("pair_gap", reason, facts.pair_last + pair_gap)
    gap = dt.timedelta(seconds=policy.minimum_gap_s)
    if gap and facts.recent and facts.recent[0] + gap > at:
        reason = f"contacted less than {policy.minimum_gap_s} s ago"
        yield _Refusal("minimum_gap", reason, facts.recent[0] + gap)


def _cap_refusals(policy: Policy, facts: Facts, at: dt.datetime) -> Iterator[_Refusal]:
    caps: tuple[RollingCap | CalendarCap, ...] = (*policy.rolling, *policy.calendar)
    for cap in caps:
        oldest = facts.recent[cap.limit - 1] if 0 < cap.limit <= len(facts.recent) else None
        until = None if oldest is None else _counts_until(cap, oldest)
        if cap.limit == 0 or (until is not None and until > at):
            yield _cap_refusal(cap, until)


def _counts_until(cap: RollingCap | CalendarCap, contacted_at: dt.datetime) -> dt.datetime:
    """When a contact stops counting towards `cap`."""
    if isinstance(cap, RollingCap):
        return contacted_at + dt.timedelta(seconds=cap.within_s)
    return _period_end(cap.period, contacted_at)


def _cap_refusal(cap: RollingCap | CalendarCap, until: dt.datetime | None) -> _Refusal:
    if isinstance(cap, RollingCap):
        return _Refusal("rolling_cap", f"contacted {cap.limit} times within {_span(cap.within_s)}", until)
    return _Refusal("calendar_cap", f"contacted {cap.limit} times this {cap.period}", until)


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
