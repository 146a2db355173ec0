"""Lines needed for a wanted share of refused clicks, beside what was really refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.capacity.engset import Times, lines_needed, refusals_of_pool, refusals_over
from calling_pipeline.analysis.capacity.facts import Facts, HourFacts, read
from calling_pipeline.analysis.intervals import share, wilson
from calling_pipeline.analysis.records import Analysis, Column, Figure, Note, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.errors import InvalidInput

USUAL_WANTED = 1.0
MOST_LINES = 2000
CURVE = 40
"""Rows of the curve at most."""
NEXT_TO_NOTHING = 0.0001
AGAIN_PCT = 20.0
"""From this share of refusals on it is said that people click again and again."""
LINES = (
    Column("lines", "whole"),
    Column("expected", "percent"),
    Column("expected_busiest", "percent"),
    Column("lines_used", "percent"),
)
HOURS = (
    Column("hour", "hour"),
    Column("present", "number"),
    Column("attempts", "whole"),
    Column("refused", "whole"),
    Column("refused_rate", "percent"),
    Column("expected", "percent"),
)


def capacity(connection: sa.Connection, question: Question) -> Analysis:
    """The expected share of refused clicks for every number of lines, and the fewest lines that keep to the wanted one.

    Options: `wanted` percent refused at most, `lines` to look at instead of those there are. Raises `InvalidInput`.
    """
    wanted = _number(question.options.get("wanted", ""), "wanted", USUAL_WANTED, 100)
    asked = _number(question.options.get("lines", ""), "lines", 0, MOST_LINES)
    found = read(connection, question)
    if found is None or found.times is None:
        return Analysis("capacity", question.first, question.last, notes=(Note("no_capacity", {}, "warning"),))
    return judged(question, found, found.times, wanted=wanted, lines=round(asked) or found.lines)


def judged(question: Question, found: Facts, times: Times, *, wanted: float, lines: int) -> Analysis:
    """What the facts say about a wanted share (percent) and a number of lines. Pure."""
    by_present = found.attempts_by_present
    most = max(by_present)
    busiest = refusals_of_pool(most, times, most)
    whole = refusals_over(by_present, times, most)
    needed, needed_busiest = lines_needed(whole, wanted / 100), lines_needed(busiest, wanted / 100)
    clicks = found.calls + found.refused
    figures = (
        Figure("wanted", wanted, "percent"),
        Figure("lines_needed", needed, "whole"),
        Figure("lines_needed_busiest", needed_busiest, "whole"),
        Figure("lines", lines, "whole"),
        Figure("expected", _pct(whole, lines), "percent"),
        Figure("refused_rate", share(found.refused, clicks), "percent", None, *wilson(found.refused, clicks)),
        Figure("first_refused_rate", share(found.refused - found.again, clicks - found.again), "percent"),
        Figure("present", most, "whole"),
        Figure("mean_busy_s", round(times.busy_s + times.cool_down_s, 1), "seconds"),
        Figure("mean_pause_s", round(times.pause_s, 1), "seconds"),
        Figure("calls", found.calls, "whole"),
        Figure("newest", found.newest, "moment"),
    )
    rows = [
        (number, _pct(whole, number), _pct(busiest, number), _used(most, times, _at(busiest, number), number))
        for number in _shown(busiest, lines, needed if needed is not None else most)
    ]
    tables = (Table("lines", LINES, rows), Table("capacity_hours", HOURS, _by_hour(found, times, lines)))
    return Analysis("capacity", question.first, question.last, figures, tables, _notes(question, found, lines))


def _notes(question: Question, found: Facts, lines: int) -> Sequence[Note]:
    notes = [Note("capacity_model", {"cool_down": "" if found.times is None else f"{found.times.cool_down_s:g}"})]
    if question.tenant_id is None:
        notes.append(Note("capacity_tenant", {"tenant": found.tenant_id}))
    if lines != found.lines:
        notes.append(Note("capacity_what_if", {"lines": lines, "now": found.lines}))
    again = share(found.again, found.refused)
    if again is not None and again >= AGAIN_PCT:
        notes.append(Note("clicks_again", {"share": again, "count": found.again}, "warning"))
    return notes


def _by_hour(found: Facts, times: Times, lines: int) -> Sequence[Sequence[Value]]:
    """Each hour of the day: what was refused, and what was expected with the collectors who were present."""
    by_hour: dict[int, list[HourFacts]] = defaultdict(list)
    for one in found.hours:
        by_hour[one.hour.astimezone(days.SHANGHAI).hour].append(one)
    expected: dict[int, float] = {}
    rows = []
    for hour, of_hour in sorted(by_hour.items()):
        attempts = sum(one.attempts for one in of_hour)
        refused = sum(one.refused - one.again for one in of_hour)
        present = sum(one.present * one.attempts for one in of_hour) / attempts if attempts else 0
        sources = max(1, round(present))
        if sources not in expected:
            expected[sources] = _at(refusals_of_pool(sources, times, min(lines, sources)), lines)
        rows.append(
            (hour, round(present, 1), attempts, refused, share(refused, attempts), round(100 * expected[sources], 2))
        )
    return rows


def _used(most: int, times: Times, refused: float, lines: int) -> float:
    """How much of the time a line is taken in the busiest hour, in percent: calls that get one, by the length of a call."""
    cycle = times.pause_s + (1 - refused) * times.busy_s
    taken = most * (1 - refused) * (times.busy_s + times.cool_down_s) / cycle
    return round(min(100.0, 100 * taken / lines), 1)


def _shown(busiest: Sequence[float], lines: int, needed: int) -> Sequence[int]:
    """Which numbers of lines the curve shows: evenly from 1 until next to nothing is refused, and those asked about."""
    most = next(number for number, share in enumerate(busiest) if share < NEXT_TO_NOTHING)
    step = max(1, -(-most // CURVE))
    return sorted({*range(step, most + 1, step), max(1, needed), max(1, lines)})


def _at(shares: Sequence[float], lines: int) -> float:
    return shares[lines] if lines < len(shares) else 0.0


def _pct(shares: Sequence[float], lines: int) -> float:
    return round(100 * _at(shares, lines), 2)


def _number(text: str, name: str, usual: float, most: float) -> float:
    """The number that an option is. Raises `InvalidInput`."""
    if not text.strip():
        return usual
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= most:
        raise InvalidInput(f"{name} is a number above 0 and at most {most:g}; it was {text[:40]!r}", field=name)
    return value
