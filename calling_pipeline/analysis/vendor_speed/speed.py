"""Speed and error rate of each vendor, by day and over the range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.analysis.intervals import share, wilson
from calling_pipeline.analysis.records import Analysis, Column, Figure, Note, Table, Value
from calling_pipeline.analysis.registry import Question
from calling_pipeline.analysis.vendor_speed import store
from calling_pipeline.analysis.vendor_speed.store import SOURCES, Found

VENDORS = tuple(SOURCES)
_COUNTS = (
    Column("acts", "whole"),
    Column("done", "whole"),
    Column("refused", "whole"),
    Column("failed", "whole"),
    Column("unknown", "whole"),
    Column("error_rate", "percent", "error_rate_low", "error_rate_high"),
    Column("error_rate_low", "percent"),
    Column("error_rate_high", "percent"),
    Column("typical_s", "seconds"),
    Column("slow_s", "seconds"),
)
_READS = (
    Column("track", "word"),
    Column("mode", "word"),
    Column("reads", "whole"),
    Column("pages", "whole"),
    Column("rows", "whole"),
    Column("page_s", "seconds"),
    Column("retries", "whole"),
    Column("pages_read_again", "whole"),
)


def vendor_speed(connection: sa.Connection, question: Question) -> Analysis:
    """What was asked of each vendor on these days, what failed of it, and how long it took.

    A failure is ours to repeat or a person's to settle; a refusal is an answer. Seconds are per page for Guanke, from
    sending to the answer for the gateway and Infinity, from claim to delivery for messages.
    """
    wanted = VENDORS if question.options["vendor"] == "all" else (question.options["vendor"],)
    found = [store.requests(connection, vendor, question.first, question.last) for vendor in wanted]
    whole = [(one.vendor, *_counts(row)) for one in found for row in one.rows if row["whole"]]
    by_day = [(row["day"], one.vendor, *_counts(row)) for one in found for row in one.rows if not row["whole"]]
    by_day.sort(key=lambda row: (-row[0].toordinal(), VENDORS.index(row[1])))
    reads = store.reads(connection, question.first, question.last)
    return Analysis(
        "vendor_speed",
        question.first,
        question.last,
        figures=_figures(found),
        tables=(
            Table("vendors", (Column("vendor", "word"), *_COUNTS), whole),
            Table("vendor_days", (Column("day", "day"), Column("vendor", "word"), *_COUNTS), by_day),
            Table("reads", _READS, [_read(row) for row in reads]),
        ),
        notes=_notes(found),
    )


def _counts(row: Mapping[str, Any]) -> tuple[Value, ...]:
    acts, bad = int(row["acts"]), int(row["failed"]) + int(row["unknown"])
    seconds = (None if row[name] is None else round(float(row[name]), 3) for name in ("typical_s", "slow_s"))
    counts = (int(row[name]) for name in ("done", "refused", "failed", "unknown"))
    return (acts, *counts, share(bad, acts), *wilson(bad, acts), *seconds)


def _read(row: Mapping[str, Any]) -> tuple[Value, ...]:
    track = "track_grade" if row["track"] == "grade" else "track_task"
    names = ("reads", "pages", "rows_fetched", "page_s", "retries", "pages_read_again")
    return (track, f"mode_{row['mode']}", *(row[name] for name in names))


def _figures(found: Sequence[Found]) -> Sequence[Figure]:
    """One error rate of all: the share of what was asked that failed or is unknown."""
    rows = [row for one in found for row in one.rows if row["whole"] and one.percent >= 100]
    acts = sum(int(row["acts"]) for row in rows)
    bad = sum(int(row["failed"]) + int(row["unknown"]) for row in rows)
    return (Figure("failed_acts", bad, "whole"), Figure("error_rate", share(bad, acts), "percent", None, *wilson(bad, acts)))


def _notes(found: Sequence[Found]) -> Sequence[Note]:
    sampled = [one for one in found if one.percent < 100]
    samples = [Note(f"sample_{one.vendor}", {"percent": f"{one.percent:g}"}) for one in sampled]
    return [Note("speed_meaning"), Note("proofs_kept"), *samples]
