"""What the lines of a tenant did, as Engset's formula needs it. Pure but for the one function that reads."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.capacity.engset import Times
from calling_pipeline.analysis.registry import Question
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.pool.line_counts import store as line_store
from calling_pipeline.telephony.pool.line_counts.records import LineHour
from calling_pipeline.telephony.refusals import store as refusal_store
from calling_pipeline.telephony.tenants import store as tenant_store

POOL_RULES = frozenset({"none_free", "over_limit", "busy"})
"""Refusals for want of a line."""


@dataclass(frozen=True)
class HourFacts:
    """An hour of a tenant: `present` collectors, calls, clicks refused for want of a line; `again`: seconds after one."""

    hour: dt.datetime
    present: int
    calls: int
    refused: int
    again: int

    @property
    def attempts(self) -> int:
        """Calls that were wanted: clicks seconds after a refusal are the same wish."""
        return self.calls + self.refused - self.again


@dataclass(frozen=True)
class Facts:
    """What is known of one tenant. `lines` can be in a call at once now; `times` is None without calls and pauses."""

    tenant_id: int
    hours: Sequence[HourFacts]
    times: Times | None
    lines: int

    @property
    def calls(self) -> int:
        """Calls begun."""
        return sum(one.calls for one in self.hours)

    @property
    def refused(self) -> int:
        """Clicks refused for want of a line."""
        return sum(one.refused for one in self.hours)

    @property
    def again(self) -> int:
        """Of them those that followed a refusal within seconds."""
        return sum(one.again for one in self.hours)

    @property
    def newest(self) -> dt.datetime | None:
        """The newest hour with a call."""
        return max((one.hour for one in self.hours if one.calls), default=None)

    @property
    def attempts_by_present(self) -> Mapping[int, int]:
        """Wanted calls by how many collectors were present; like numbers count as one where there are many."""
        most = max((one.present for one in self.hours), default=0)
        step = max(1, -(-most // _STEPS))
        found = Counter[int]()
        for one in self.hours:
            found[max(1, step * round(one.present / step))] += one.attempts
        return found


_STEPS = 10


def read(connection: sa.Connection, question: Question) -> Facts | None:
    """The facts of the tenant asked for, else of the one with the most calls; None without any call."""
    hours = line_store.hours(connection, question.first, question.last, tenant_id=question.tenant_id)
    calls = Counter[int]()
    for one in hours:
        calls[one.tenant_id] += one.calls
    if not calls:
        return None
    tenant = calls.most_common(1)[0][0]
    begin, end = days.day_bounds(question.first)[0], days.day_bounds(question.last)[1]
    refused = refusal_store.within(connection, begin, end, tenant_id=tenant, rules=POOL_RULES)
    config = tenant_store.config_of_tenant(connection, tenant)
    pools = pool_store.statistics(connection, days.now(), tenant_id=tenant)
    return facts_of(
        tenant,
        [one for one in hours if one.tenant_id == tenant],
        refused,
        cool_down_s=config.cool_down_s if config is not None else 0,
        lines=sum(min(one.total - one.offline, one.max_concurrent_calls) for one in pools if one.enabled),
    )


def facts_of(
    tenant: int, hours: Sequence[LineHour], refused: Sequence[refusal_store.Refused], *, cool_down_s: int, lines: int
) -> Facts:
    """The facts made of what is counted.

    Present collectors are those whose calls and pauses fill the hour: somebody who came late counts for a part. A pause is
    the time between two calls of a collector divided by the attempts in it, refused ones included.
    """
    numbers, again = Counter[dt.datetime](), Counter[dt.datetime]()
    for one in refused:
        numbers[one.hour] += one.number
        again[one.hour] += one.again
    found = [
        HourFacts(
            one.hour,
            max(1, min(one.collectors, round((one.busy_s + one.idle_s) / 3600))),
            one.calls,
            numbers.pop(one.hour, 0),
            again[one.hour],
        )
        for one in hours
    ]
    found += [HourFacts(hour, 1, 0, number, again[hour]) for hour, number in numbers.items()]
    closed, busy = sum(one.closed for one in hours), sum(one.busy_s for one in hours)
    pauses = sum(one.gaps for one in hours) + sum(one.refused - one.again for one in found)
    idle = sum(one.idle_s for one in hours)
    times = Times(busy / closed, cool_down_s, idle / pauses) if closed and busy and pauses and idle else None
    return Facts(tenant, sorted(found, key=lambda one: one.hour), times, lines)
