"""Rules, attempts and verdicts of the contact policy."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from calling_pipeline.phones import NumberKind

Period = Literal["day", "week", "month"]
Rule = Literal[
    "do_not_call",
    "country",
    "number_kind",
    "hours",
    "holiday",
    "pair_gap",
    "minimum_gap",
    "rolling_cap",
    "calendar_cap",
]

EntryState = Literal["active", "expired", "removed"]
"""Of an entry of the do-not-call list: it holds, it ended by itself, a person ended it."""


@dataclass(frozen=True)
class Attempt:
    """One intended contact of `phone` (canonical) at instant `at`.

    `room` and `reference` name the act permanently: asking again with the same two is the same attempt.
    `caller` is the line or extension that calls, where the pair rule should see it.
    """

    phone: str
    room: str
    reference: str
    at: dt.datetime
    caller: str | None = None
    tenant: int | None = None


@dataclass(frozen=True)
class Hours:
    """Calls are allowed from `opens` until before `closes` on `weekdays` (Monday is 0), outside the half-open `breaks`."""

    opens: dt.time = dt.time(8, 0)
    closes: dt.time = dt.time(21, 0)
    breaks: tuple[tuple[dt.time, dt.time], ...] = ()
    weekdays: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True)
class RollingCap:
    """At most `limit` attempts per number within any `within_s` seconds."""

    limit: int
    within_s: int


@dataclass(frozen=True)
class CalendarCap:
    """At most `limit` attempts per number in one calendar `period` of Asia/Shanghai; weeks begin on Monday."""

    limit: int
    period: Period


@dataclass(frozen=True)
class Policy:
    """Everything that may refuse a contact. The do-not-call list always counts; a rule that is absent refuses nothing.

    `countries` (ISO 3166 codes) and `number_kinds` are those that may be called; None: all of them.
    """

    name: str
    countries: frozenset[str] | None = frozenset({"CN"})
    number_kinds: frozenset[NumberKind] | None = frozenset({"mobile", "land_line"})
    hours: Hours | None = Hours()
    closed_on_holidays: bool = False
    holidays: frozenset[dt.date] = frozenset()
    rolling: tuple[RollingCap, ...] = ()
    calendar: tuple[CalendarCap, ...] = ()
    minimum_gap_s: int = 0
    pair_gap_s: int = 0

    @property
    def depth(self) -> int:
        """How many of a number's latest attempts suffice to judge it."""
        return max([1, *(cap.limit for cap in self.rolling), *(cap.limit for cap in self.calendar)])


@dataclass(frozen=True)
class Verdict:
    """`allowed`, or the rule that refused, why, and when it would be allowed (None: not by waiting)."""

    allowed: bool
    rule: Rule | None = None
    reason: str = ""
    not_before: dt.datetime | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of one number when it is judged. `recent`: its latest attempts, newest first."""

    country: str = "CN"
    number_kind: NumberKind = "mobile"
    blocked: bool = False
    blocked_by: str = ""
    blocked_until: dt.datetime | None = None
    recent: tuple[dt.datetime, ...] = ()
    pair_last: dt.datetime | None = None
    recorded_phone: str | None = None


@dataclass(frozen=True)
class Blocked:
    """One entry of the do-not-call list. `ended_by`: who ended it at `expires_at`; `replaced_at`: until then it stood so."""

    phone: str = field(repr=False)
    source: str
    expires_at: dt.datetime | None
    note: str
    added_by: str
    added_at: dt.datetime
    ended_by: str = ""
    ended_why: str = ""
    replaced_at: dt.datetime | None = None

    def state(self, now: dt.datetime) -> EntryState:
        """Whether the entry holds at `now`, and what ended it if not."""
        if self.expires_at is None or self.expires_at > now:
            return "active"
        return "removed" if self.ended_by else "expired"


@dataclass(frozen=True)
class Recent:
    """One attempt that was allowed and counts towards the caps."""

    at: dt.datetime
    room: str
    reference: str
    tenant_id: int | None
