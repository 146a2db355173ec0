"""The publishing gate: may a day that was just read replace the published one? Pure; every door passes it.

| rule | a day is held when | source |
| --- | --- | --- |
| unknown_grades | more than 2 % of the grades (and more than two) are texts the vocabulary lacks: each may be an order | \
a vendor that renamed its grades published a day without orders |
| missing_fields | more than 1 % of the records lack a field that is counted | a field left out is counted as "no" |
| new_fields | never, it warns | the contract has changed, no number depends on it |
| outside_day | more than 1 % of the records (and more than five) lie in another day | the vendor's window is another |
| tracks_orders, tracks_calls | a finished day's tracks, read within twenty minutes, are more than 20 % apart | both count \
the same calls |
| calls_dropped, orders_dropped | a finished day has less than a quarter of the fewest on the same weekdays before | a \
vendor that answers "complete" with a part of the day |
| calls_jumped | a finished day has more than four times the most on at least two of the same weekdays | records sent twice \
under other ids |
| orders_lost | the calls of a published day are still there and more than 30 % of its orders are not | corrections are \
fewer |
| calls_lost | a later read of a published day has no calls; it warns of more than 30 % less | calls are not undone |
| counts_contradict | the task track has more successes than connected calls, or more of these than dialled ones | they are \
parts of each other |

Numbers too small to judge (see `ENOUGH_…`) break no rule, a day under way only warns, and what is not there (no history,
the other track not read) is not compared. Each rule's limit and severity are settings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from calling_pipeline import days
from calling_pipeline.call_stats.records import FetchProof, Reason, Track
from calling_pipeline.gate_rules import GateRule
from calling_pipeline.vendors.guanke.records import COUNTED_FIELDS

ENOUGH_CALLS = 50
ENOUGH_ORDERS = 20
ENOUGH_APART = 10
"""The tracks may differ by so many whatever the share; as many orders must be lost to matter."""
STRAY_GRADES = 2
STRAY_CALLS = 5
READ_TOGETHER = dt.timedelta(minutes=20)
"""Between the reads of two tracks that are compared: later corrections would be in one of them only."""
_WORSE = 1.1
"""A person's decision holds for later reads of the day that break the rule at most so much more."""

Severity = Literal["hold", "warn", "off"]
SEVERITIES: Mapping[GateRule, Severity] = {
    "unknown_grades": "hold",
    "missing_fields": "hold",
    "new_fields": "warn",
    "outside_day": "hold",
    "tracks_orders": "hold",
    "tracks_calls": "hold",
    "calls_dropped": "hold",
    "orders_dropped": "hold",
    "calls_jumped": "hold",
    "orders_lost": "hold",
    "calls_lost": "hold",
    "counts_contradict": "hold",
}
"""What each rule does to a day beyond its limit, unless the setting says otherwise."""


@dataclass(frozen=True)
class GateRules:
    """The limits, in percent unless said otherwise, and the severities that differ from `SEVERITIES`."""

    unknown_grades_pct: float = 2.0
    missing_fields_pct: float = 1.0
    outside_day_pct: float = 1.0
    tracks_pct: float = 20.0
    drop_pct: float = 75.0
    jump_factor: float = 4.0
    lost_pct: float = 30.0
    severities: Mapping[GateRule, Severity] = field(default_factory=dict)

    def severity(self, rule: GateRule) -> Severity:
        """What the rule does to a day beyond its limit."""
        return self.severities.get(rule, SEVERITIES[rule])


@dataclass(frozen=True)
class Numbers:
    """A day's numbers on one track. `calls` is the track's own count: records, or calls dialled."""

    calls: int
    orders: int
    dialled: int | None
    connected: int | None


@dataclass(frozen=True)
class Read:
    """A day that was just read: its proof, what it adds up to, and how many of the records read carry a grade."""

    proof: FetchProof
    numbers: Numbers
    graded: int = 0


@dataclass(frozen=True)
class OtherRead:
    """What the other track's newest read of the day says, published or held."""

    numbers: Numbers
    started_at: dt.datetime
    window_end: dt.datetime


@dataclass(frozen=True)
class Known:
    """What a read is compared with: the published day, the same weekdays before up to the same time, the other track."""

    before: Numbers | None = None
    weekdays: Sequence[Numbers] = ()
    others: Sequence[OtherRead] = ()


@dataclass(frozen=True)
class _Finding:
    """A rule that was broken, and whether beyond the limit at which it may hold a day."""

    rule: GateRule
    beyond: bool
    sentence: str
    numbers: Mapping[str, int | float]


def judge(read: Read, known: Known, rules: GateRules) -> list[Reason]:
    """What the day broke, worst first; it is held when one of them says `hold`."""
    reasons = []
    for finding in _findings(read, known, rules):
        severity = rules.severity(finding.rule)
        if severity == "off":
            continue
        holds = severity == "hold" and finding.beyond
        reasons.append(Reason(finding.rule, "hold" if holds else "warn", finding.sentence, finding.numbers))
    return sorted(reasons, key=lambda reason: reason.severity)


def holds(reasons: Sequence[Reason]) -> bool:
    """Whether the day must be kept aside."""
    return any(reason.severity == "hold" for reason in reasons)


def accepted(reasons: Sequence[Reason], published_before: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a person has published the day with these reasons before, when none of them was much smaller."""
    known = {reason["rule"]: reason["numbers"].get("share_pct", 0) for reason in published_before}
    return all(
        reason.rule in known and reason.numbers.get("share_pct", 0) <= known[reason.rule] * _WORSE
        for reason in reasons
        if reason.severity == "hold"
    )


def _findings(read: Read, known: Known, rules: GateRules) -> Iterator[_Finding]:
    proof = read.proof
    yield from _unknown_grades(read, rules)
    yield from _fields(proof, rules)
    yield from _outside_day(proof, rules)
    yield from _tracks(read, known, rules)
    yield from _weekdays(read, known, rules)
    yield from _lost(read, known, rules)
    yield from _contradictions(read)


def _unknown_grades(read: Read, rules: GateRules) -> Iterator[_Finding]:
    words = read.proof.unknown_grades
    unknown = sum(words.values())
    if not unknown:
        return
    share = _share(unknown, max(read.graded, unknown))
    shown = ", ".join(f"{text} ({count})" for text, count in sorted(words.items(), key=lambda item: -item[1])[:5])
    more = f" and {len(words) - 5} more texts" if len(words) > 5 else ""
    yield _Finding(
        "unknown_grades",
        unknown > STRAY_GRADES and share > rules.unknown_grades_pct,
        f"{unknown} of {read.graded} grades are unknown texts that may be orders: {shown}{more};"
        " say in CALLING_GRADE_WORDS what they mean",
        {"unknown": unknown, "graded": read.graded, "share_pct": share},
    )


def _fields(proof: FetchProof, rules: GateRules) -> Iterator[_Finding]:
    counted = COUNTED_FIELDS[proof.track]
    for name, records in proof.missing_fields.items():
        share = min(100.0, _share(records, proof.rows_fetched))
        what = "is counted" if name in counted else "is not counted"
        yield _Finding(
            "missing_fields",
            name in counted and share > rules.missing_fields_pct,
            f"the field {name}, which {what}, is missing in {records} records",
            {"records": records, "share_pct": share},
        )
    if proof.new_fields:
        names = ", ".join(f"{name} ({records})" for name, records in list(proof.new_fields.items())[:5])
        share = min(100.0, _share(max(proof.new_fields.values()), proof.rows_fetched))
        yield _Finding(
            "new_fields",
            True,
            f"the vendor sends fields that its contract does not name: {names}",
            {"fields": len(proof.new_fields), "share_pct": share},
        )


def _outside_day(proof: FetchProof, rules: GateRules) -> Iterator[_Finding]:
    if not proof.outside_day:
        return
    share = _share(proof.outside_day, proof.distinct_ids)
    yield _Finding(
        "outside_day",
        proof.outside_day > STRAY_CALLS and share > rules.outside_day_pct,
        f"{proof.outside_day} records that the vendor sent for {proof.date} are calls of another day; they are not counted",
        {"outside_day": proof.outside_day, "records": proof.distinct_ids, "share_pct": share},
    )


def _tracks(read: Read, known: Known, rules: GateRules) -> Iterator[_Finding]:
    """The smallest difference to what the other track says: the newest read of it may be held itself."""
    finished = [other for other in known.others if _is_over(read.proof) and other.window_end >= _last_second(read.proof)]
    for rule in ("tracks_orders", "tracks_calls"):
        compared = [(_apart(rule, read.numbers, other.numbers), other) for other in finished]
        if not compared:
            continue
        (share, ours, theirs), other = min(compared, key=lambda pair: pair[0][0])
        if share <= rules.tracks_pct:
            continue
        together = abs(other.started_at - read.proof.started_at) <= READ_TOGETHER
        when = "" if together else f", which was read at {other.started_at:%Y-%m-%d %H:%M}"
        what = "orders" if rule == "tracks_orders" else "calls (dialled or connected)"
        yield _Finding(
            rule,
            together,
            f"{ours} {what} here and {theirs} on the {_other(read.proof.track)} track{when}: {share:.0f} % apart",
            {"here": ours, "other_track": theirs, "share_pct": share},
        )


def _apart(rule: str, one: Numbers, other: Numbers) -> tuple[float, int, int]:
    """The largest difference in percent, and its two numbers; 0 for a difference of few."""
    pairs: list[tuple[int | None, int | None]] = [(one.orders, other.orders)]
    if rule == "tracks_calls":
        pairs = [(one.dialled, other.dialled), (one.connected, other.connected)]
    known = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
    differences = [
        (_share(abs(ours - theirs), max(ours, theirs)) if abs(ours - theirs) >= ENOUGH_APART else 0.0, ours, theirs)
        for ours, theirs in known
    ]
    return max(differences, default=(0.0, 0, 0))


def _weekdays(read: Read, known: Known, rules: GateRules) -> Iterator[_Finding]:
    over = _is_over(read.proof)
    when = "" if over else " up to this time"
    calls = [day.calls for day in known.weekdays]
    dropped: tuple[tuple[GateRule, int, list[int], int], ...] = (
        ("calls_dropped", read.numbers.calls, calls, ENOUGH_CALLS),
        ("orders_dropped", read.numbers.orders, [day.orders for day in known.weekdays], ENOUGH_ORDERS),
    )
    for rule, count, usual, enough in dropped:
        fewest = min(usual, default=0)
        if fewest >= enough and count < fewest * (1 - rules.drop_pct / 100):
            share = _share(fewest - count, fewest)
            what = rule.partition("_")[0]
            yield _Finding(
                rule,
                over,
                f"{count} {what}, and at least {fewest} on the same weekdays before{when}",
                {what: count, "fewest": fewest, "share_pct": share},
            )
    most = max(calls, default=0)
    if len(calls) >= 2 and most >= ENOUGH_CALLS and read.numbers.calls > most * rules.jump_factor:
        yield _Finding(
            "calls_jumped",
            over,
            f"{read.numbers.calls} calls, and at most {most} on the same weekdays before{when}",
            {"calls": read.numbers.calls, "most": most, "share_pct": _share(read.numbers.calls, most)},
        )


def _lost(read: Read, known: Known, rules: GateRules) -> Iterator[_Finding]:
    before, now = known.before, read.numbers
    if before is None:
        return
    lost = before.orders - now.orders
    share = _share(lost, before.orders)
    kept = 1 - rules.lost_pct / 100
    if now.calls >= before.calls * kept and lost >= ENOUGH_APART and share > rules.lost_pct:
        yield _Finding(
            "orders_lost",
            True,
            f"{now.orders} orders where {before.orders} are published, of as many calls",
            {"orders": now.orders, "published": before.orders, "share_pct": share},
        )
    if before.calls >= ENOUGH_CALLS and now.calls < before.calls * kept:
        yield _Finding(
            "calls_lost",
            now.calls == 0,
            f"{now.calls} calls where {before.calls} were published",
            {"calls": now.calls, "published": before.calls, "share_pct": _share(before.calls - now.calls, before.calls)},
        )


def _contradictions(read: Read) -> Iterator[_Finding]:
    dialled, connected, orders = read.numbers.dialled, read.numbers.connected, read.numbers.orders
    if read.proof.track != "task" or dialled is None or connected is None or orders <= connected <= dialled:
        return
    yield _Finding(
        "counts_contradict",
        True,
        f"{orders} successes of {connected} connected and {dialled} dialled calls",
        {"successes": orders, "connected": connected, "dialled": dialled},
    )


def _is_over(proof: FetchProof) -> bool:
    return proof.window_end >= _last_second(proof)


def _last_second(proof: FetchProof) -> dt.datetime:
    return days.day_bounds(proof.date)[1] - dt.timedelta(seconds=1)


def _other(track: Track) -> Track:
    return "task" if track == "grade" else "grade"


def _share(part: int, whole: int) -> float:
    """In percent, two decimals."""
    return round(100 * part / whole, 2) if whole else 0.0
