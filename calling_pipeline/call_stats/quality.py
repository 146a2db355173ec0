"""Judgements of a day's stored numbers, pure: the facts come from `facts/store.py`, the asset checks show the findings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from calling_pipeline import days
from calling_pipeline.call_stats.recent.records import Speed
from calling_pipeline.call_stats.records import FetchProof, GradeDay, TaskDay, Track
from calling_pipeline.call_stats.timetable import last_sync_due
from calling_pipeline.quality import Finding

TRACK_TOLERANCE = 0.05
READ_TOGETHER = dt.timedelta(minutes=20)
UNKNOWN_GRADES_LIMIT = 0.02
DROP_LIMIT = 0.5
ENOUGH_CALLS = 50
LATE_LIMIT = 0.01


@dataclass(frozen=True)
class DayFacts:
    """What is stored about one day, as the checks need it."""

    date: dt.date
    gathered_at: dt.datetime
    grade_rows: int
    task_rows: int
    records: int
    distinct_records: int
    grade_9: int
    grade_1: int
    dialled: int
    connected: int
    outside_day: int
    agent_orders: int
    agent_calls: int
    hourly_orders: int
    hourly_calls: int
    week_before: int
    grade: GradeDay | None
    task: TaskDay | None
    proof: FetchProof | None
    full_proof: FetchProof | None
    held: Mapping[str, str] = field(default_factory=dict)
    """Rule → sentence: why the publishing gate holds a newer read of the grade track."""
    unpublished: Mapping[Track, str] = field(default_factory=dict)
    """Track → sentence: what became of the newest read when it is not what readers see: it failed, or it is held."""
    grade_speed: Speed | None = None
    task_speed: Speed | None = None


def newest_read_is_published(facts: DayFacts, track: Track) -> Finding:
    """The newest attempt to read the day arrived, passed the publishing gate and is what readers see."""
    said = facts.unpublished.get(track)
    return Finding(said is None, said or "the newest read is published", numbers={"unpublished": int(said is not None)})


def one_row_per_date(rows: int) -> Finding:
    """Exactly one cached row."""
    return Finding(rows == 1, f"{rows} cached rows", numbers={"rows": rows})


def ids_are_unique(facts: DayFacts) -> Finding:
    """No CDR id is stored twice."""
    twice = facts.records - facts.distinct_records
    return Finding(twice == 0, f"{twice} ids more than once", numbers={"records": facts.records, "repeated": twice})


def fetch_is_complete(facts: DayFacts) -> Finding:
    """What is stored is what the vendor reported for the newest read: the fetch proof."""
    proof = facts.proof
    if proof is None:
        return Finding(False, "never read from the vendor", numbers={"stored": facts.records})
    numbers = {
        "reported": proof.reported_total,
        "stored": facts.records,
        "distinct": proof.distinct_ids,
        "outside_day": proof.outside_day,
        "pages": proof.pages,
    }
    passed = proof.complete and facts.records == proof.stored_rows
    return Finding(passed, f"{facts.records} stored of {proof.reported_total} reported", numbers=numbers)


def sums_agree(facts: DayFacts) -> Finding:
    """`total_success = grade_9 + grade_1`, and each is what the stored call records say."""
    cached = facts.grade
    if cached is None:
        return Finding(False, "no cached row")
    numbers = {
        "grade_9": cached.grade_9,
        "grade_1": cached.grade_1,
        "total_success": cached.total_success,
        "total_records": cached.total_records,
        "recounted_9": facts.grade_9,
        "recounted_1": facts.grade_1,
        "recounted_records": facts.records,
    }
    adds_up = cached.total_success == cached.grade_9 + cached.grade_1
    counted = (cached.grade_9, cached.grade_1, cached.total_records) == (facts.grade_9, facts.grade_1, facts.records)
    sentence = "the sums agree" if counted else "the call records add up to other numbers"
    if not adds_up:
        sentence = "the sum is wrong"
    return Finding(adds_up and counted, sentence, numbers=numbers)


def rates_are_consistent(task: TaskDay | None) -> Finding:
    """0 ≤ success ≤ called ≤ dialled, and the rate is their percentage with two decimals (0 when nothing was dialled)."""
    if task is None:
        return Finding(False, "no cached row")
    expected = Decimal(0)
    if task.callout_number:
        expected = (Decimal(100) * task.called_number / task.callout_number).quantize(Decimal("0.01"), ROUND_HALF_UP)
    ordered = 0 <= task.success_number <= task.called_number <= task.callout_number
    numbers = {
        "callout_number": task.callout_number,
        "called_number": task.called_number,
        "success_number": task.success_number,
        "connected_rate": float(task.connected_rate),
        "expected_rate": float(expected),
    }
    in_range = 0 <= task.connected_rate <= 100 and task.connected_rate == expected
    return Finding(
        ordered and in_range,
        "consistent" if ordered and in_range else "counts and rate contradict each other",
        numbers=numbers,
    )


def task_fetch_is_complete(task: TaskDay | None) -> Finding:
    """As many dialling tasks as the vendor reported."""
    proof = task.proof if task else None
    if proof is None or task is None:
        return Finding(False, "no fetch proof")
    numbers = {"reported": proof.reported_total, "read": proof.distinct_ids, "cached": task.total_tasks}
    passed = proof.complete and task.total_tasks == proof.distinct_ids
    return Finding(passed, f"{task.total_tasks} tasks of {proof.reported_total} reported", numbers=numbers)


def tracks_agree(facts: DayFacts) -> Finding:
    """Dialled and connected calls of the two tracks differ by at most 5 %, if they were read about the same time."""
    if (held := _held(facts, "tracks_orders", "tracks_calls")) is not None:
        return held
    task, proof = facts.task, facts.proof
    if task is None or proof is None or task.proof is None:
        return Finding(True, "only one track is there to compare")
    closed = min(proof.window_end, task.proof.window_end) >= days.day_bounds(facts.date)[1] - dt.timedelta(seconds=1)
    if not closed and abs(proof.started_at - task.proof.started_at) > READ_TOGETHER:
        return Finding(True, "not read at about the same time, not compared")
    numbers = {
        "task_callout": task.callout_number,
        "records_dialled": facts.dialled,
        "task_called": task.called_number,
        "records_connected": facts.connected,
    }
    apart = max(_apart(task.callout_number, facts.dialled), _apart(task.called_number, facts.connected))
    return Finding(apart <= TRACK_TOLERANCE, f"{apart:.1%} apart", numbers={**numbers, "apart_pct": round(100 * apart, 2)})


def is_fresh(read_at: dt.datetime | None, due: dt.datetime | None) -> Finding:
    """The numbers were read at or after the newest tick of the timetable that should be done by now."""
    if due is None:
        return Finding(True, "no sync was due")
    if read_at is None:
        return Finding(False, f"never read, due since {due:%Y-%m-%d %H:%M}")
    late_min = max(0, round((due - read_at).total_seconds() / 60))
    return Finding(read_at >= due, f"{late_min} minutes behind the timetable", numbers={"minutes_behind": late_min})


def grade_track_is_fresh(facts: DayFacts) -> Finding:
    """The grade dimension was read at or after the timetable's last due tick."""
    read_at = facts.grade.proof.started_at if facts.grade and facts.grade.proof else None
    return is_fresh(read_at, last_sync_due("grade", facts.date, facts.gathered_at))


def task_track_is_fresh(facts: DayFacts) -> Finding:
    """The task dimension was read at or after the timetable's last due tick."""
    read_at = facts.task.proof.started_at if facts.task and facts.task.proof else None
    return is_fresh(read_at, last_sync_due("task", facts.date, facts.gathered_at))


def no_abnormal_drop(facts: DayFacts) -> Finding:
    """At least half as many calls as on the same weekday a week before, up to the same time of day."""
    if (held := _held(facts, "calls_dropped", "orders_dropped", "orders_lost")) is not None:
        return held
    numbers = {"records": facts.records, "week_before": facts.week_before}
    if facts.week_before < ENOUGH_CALLS:
        return Finding(True, "too few calls one week earlier to compare", numbers=numbers)
    share = facts.records / facts.week_before
    return Finding(
        share >= 1 - DROP_LIMIT, f"{share:.0%} of the week before", numbers={**numbers, "share_pct": round(100 * share, 1)}
    )


def grades_are_known(facts: DayFacts) -> Finding:
    """At most 2 % of the calls carry a grade text that the rule has never met."""
    if (held := _held(facts, "unknown_grades")) is not None:
        return held
    unknown = sum(facts.proof.unknown_grades.values()) if facts.proof else 0
    share = unknown / facts.records if facts.records else 0.0
    texts = ", ".join(
        f"{text} ({count})" for text, count in list((facts.proof.unknown_grades if facts.proof else {}).items())[:5]
    )
    return Finding(
        share <= UNKNOWN_GRADES_LIMIT,
        f"{unknown} unknown" + (f": {texts}" if texts else ""),
        numbers={"unknown": unknown, "records": facts.records, "unknown_pct": round(100 * share, 2)},
    )


def fields_are_as_agreed(proof: FetchProof | None) -> Finding:
    """No new and no missing field in the newest read."""
    new, missing = (proof.new_fields, proof.missing_fields) if proof else ({}, {})
    changes = [f"new {name} ({count})" for name, count in new.items()] + [
        f"no {name} ({count})" for name, count in missing.items()
    ]
    numbers = {"new_fields": len(new), "missing_fields": len(missing)}
    return Finding(not changes, ", ".join(changes) or "as agreed", numbers=numbers)


def calls_lie_in_their_day(facts: DayFacts) -> Finding:
    """Every stored call of the day was made on that day, and the vendor sent none of another."""
    if (held := _held(facts, "outside_day")) is not None:
        return held
    sent = facts.proof.outside_day if facts.proof else 0
    sentence = f"{facts.outside_day} calls of another day are stored, {sent} were sent and left out"
    numbers = {"outside_day": facts.outside_day, "sent_and_left_out": sent}
    return Finding(facts.outside_day == sent == 0, sentence, numbers=numbers)


def increments_equal_a_full_read(facts: DayFacts) -> Finding:
    """The last full read of the day found at most 1 % of its records otherwise than incremental reads had left them."""
    proof = facts.full_proof
    if proof is None:
        return Finding(True, "not read in full yet")
    share = proof.late_rows / proof.distinct_ids if proof.distinct_ids else float(proof.late_rows > 0)
    numbers = {"differing_rows": proof.late_rows, "records": proof.distinct_ids, "differing_pct": round(100 * share, 2)}
    return Finding(share <= LATE_LIMIT, f"{proof.late_rows} rows differed", numbers=numbers)


def parts_add_up(calls: int, orders: int, facts: DayFacts, parts: str) -> Finding:
    """The parts (agents, hours) add up to the day's call records and orders."""
    total = facts.grade_9 + facts.grade_1
    numbers = {f"{parts}_calls": calls, "records": facts.records, f"{parts}_orders": orders, "orders": total}
    passed = (calls, orders) == (facts.records, total)
    return Finding(passed, f"{parts} add up" if passed else f"{parts} do not add up to the day", numbers=numbers)


def _apart(one: int, other: int) -> float:
    return abs(one - other) / max(one, other, 1)


def _held(facts: DayFacts, *rules: str) -> Finding | None:
    """The finding for a newer read that the publishing gate holds because of one of `rules`, None without one."""
    reasons = [facts.held[rule] for rule in rules if rule in facts.held]
    return Finding(False, f"held back: {'; '.join(reasons)}", numbers={"held": 1}) if reasons else None
