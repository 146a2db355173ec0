"""What reviewers' scores of a sample say about each collector, beside short and dropped calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.analysis.call_quality.agreement import alpha
from calling_pipeline.analysis.call_quality.estimating import Estimate, Stratum, estimate
from calling_pipeline.analysis.intervals import share, wilson
from calling_pipeline.analysis.records import Analysis, Column, Figure, Note, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.telephony.pool.line_counts import store as line_store
from calling_pipeline.telephony.pool.line_counts.records import LineUse
from calling_pipeline.telephony.reviews.notes.records import HIGHEST, LOWEST
from calling_pipeline.telephony.reviews.samples import store as sample_store
from calling_pipeline.telephony.reviews.samples.records import Sample, SampledCall

SHORT_S = ("10", "5", "20", "30")
"""Less talk than so many seconds is short; the usual one first."""
COLUMNS = (
    Column("tenant_id", "whole"),
    Column("collector_id", "whole"),
    Column("collector", "text"),
    Column("score", "number", "score_low", "score_high"),
    Column("score_low", "number"),
    Column("score_high", "number"),
    Column("reviewed", "whole"),
    Column("sampled", "whole"),
    Column("population", "whole"),
    Column("calls", "whole"),
    Column("connected", "whole"),
    Column("short", "whole"),
    Column("short_rate", "percent", "short_rate_low", "short_rate_high"),
    Column("short_rate_low", "percent"),
    Column("short_rate_high", "percent"),
    Column("dropped", "whole"),
    Column("dropped_rate", "percent", "dropped_rate_low", "dropped_rate_high"),
    Column("dropped_rate_low", "percent"),
    Column("dropped_rate_high", "percent"),
)


def call_quality(connection: sa.Connection, question: Question) -> Analysis:
    """Each collector's mean score with its interval, and the shares of short and dropped calls.

    Options: `short` seconds; `sample`, the id of one, else the newest whose days lie in the range. Raises `InvalidInput`,
    and `NotFound` for a sample that is not there.
    """
    short_s = question.options.get("short", "") or SHORT_S[0]
    used = line_store.uses(connection, question.first, question.last, "collector", tenant_id=question.tenant_id)
    sample = _sample(connection, question)
    sampled = sample_store.calls(connection, sample.id) if sample is not None else ()
    by_collector: dict[tuple[int, int], list[SampledCall]] = defaultdict(list)
    for one in sampled:
        by_collector[one.tenant_id, one.collector_id].append(one)
    uses = {(one.tenant_id, one.line_id): one for one in used}
    rows = [_row(key, uses.get(key), by_collector.get(key, ()), short_s) for key in sorted({*uses, *by_collector})]
    return Analysis(
        "call_quality",
        question.first,
        question.last,
        figures=(*_reviewed(sampled), *_lengths(used, short_s)),
        tables=(Table("quality_collectors", COLUMNS, rows),),
        notes=_notes(sample, sampled, short_s),
    )


def stratum_of(calls: Sequence[SampledCall]) -> Stratum:
    """The stratum of one collector's sampled calls; a call's first reviewer counts."""
    return Stratum(calls[0].population, [float(one.scores[0]) for one in calls if one.scores])


def _sample(connection: sa.Connection, question: Question) -> Sample | None:
    text = question.options.get("sample", "").strip()
    if not text:
        found = sample_store.page(
            connection, tenant_id=question.tenant_id, first=question.first, last=question.last, limit=1
        )
        return found[0] if found else None
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput("sample is the number of a sample", field="sample")
    one = sample_store.find(connection, int(text[:18]))
    if one is None or question.tenant_id not in (None, one.tenant_id):
        raise NotFound("there is no such sample")
    return one


def _row(key: tuple[int, int], use: LineUse | None, sampled: Sequence[SampledCall], short_s: str) -> tuple[Value, ...]:
    estimated = estimate([stratum_of(sampled)]) if sampled else None
    calls, connected = (use.calls, use.connected) if use is not None else (0, 0)
    short, dropped = (_short(use, short_s), use.dropped) if use is not None else (0, 0)
    name = use.name if use is not None else sampled[0].collector
    return (
        *key,
        name,
        *_ends(estimated),
        sum(bool(one.scores) for one in sampled),
        len(sampled),
        sampled[0].population if sampled else None,
        calls,
        connected,
        short,
        share(short, connected),
        *wilson(short, connected),
        dropped,
        share(dropped, calls),
        *wilson(dropped, calls),
    )


def _reviewed(sampled: Sequence[SampledCall]) -> Sequence[Figure]:
    by_collector: dict[int, list[SampledCall]] = defaultdict(list)
    for one in sampled:
        by_collector[one.collector_id].append(one)
    mean, low, high = _ends(estimate([stratum_of(calls) for calls in by_collector.values()]))
    twice = [one.scores for one in sampled if len(one.scores) > 1]
    agreed = alpha(twice)
    return (
        Figure("score", mean, "number", None, low, high),
        Figure("reviewed", sum(bool(one.scores) for one in sampled), "whole"),
        Figure("sampled", len(sampled), "whole"),
        Figure("agreement", round(agreed, 3) if agreed is not None else None, "number"),
        Figure("agreement_calls", len(twice), "whole"),
    )


def _lengths(used: Sequence[LineUse], short_s: str) -> Sequence[Figure]:
    calls, connected = sum(one.calls for one in used), sum(one.connected for one in used)
    short, dropped = sum(_short(one, short_s) for one in used), sum(one.dropped for one in used)
    return (
        Figure("short_rate", share(short, connected), "percent", None, *wilson(short, connected)),
        Figure("dropped_rate", share(dropped, calls), "percent", None, *wilson(dropped, calls)),
    )


def _notes(sample: Sample | None, sampled: Sequence[SampledCall], short_s: str) -> Sequence[Note]:
    said = [Note("short_and_dropped", {"seconds": short_s})]
    if sample is None:
        return [Note("no_sample"), *said]
    said.append(
        Note(
            "sample_used",
            {"sample": sample.id, "tenant": sample.tenant_id, "first": sample.first, "last": sample.last},
        )
    )
    said.append(Note("agreement_meaning"))
    waiting = sum(not one.scores for one in sampled)
    if waiting:
        said.append(Note("not_reviewed", {"count": waiting, "calls": len(sampled)}, "warning"))
    return said


def _short(use: LineUse, short_s: str) -> int:
    return {"5": use.short_5, "10": use.short_10, "20": use.short_20, "30": use.short_30}[short_s]


def _ends(found: Estimate | None) -> tuple[float | None, float | None, float | None]:
    """Mean and ends, two decimals, within what a score can be."""
    if found is None:
        return None, None, None
    if found.low is None or found.high is None:
        return round(found.mean, 2), None, None
    return round(found.mean, 2), round(max(LOWEST, found.low), 2), round(min(HIGHEST, found.high), 2)
