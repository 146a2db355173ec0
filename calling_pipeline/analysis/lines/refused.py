"""Clicks that were refused: by rule, and hour by hour."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.intervals import share, wilson
from calling_pipeline.analysis.records import Analysis, Column, Figure, Note, Table
from calling_pipeline.analysis.registry import Question
from calling_pipeline.telephony.pool.line_counts import store as line_store
from calling_pipeline.telephony.refusals import store
from calling_pipeline.telephony.refusals.counting import AGAIN_S

LONGEST_KEPT = 90
RULES = (Column("rule", "word"), Column("refused", "whole"), Column("of_refused", "percent"), Column("again", "whole"))
HOURS = (Column("moment", "moment"), Column("rule", "word"), Column("refused", "whole"), Column("again", "whole"))


def refusals(connection: sa.Connection, question: Question) -> Analysis:
    """Refused clicks by rule, the most frequent first, and those of each hour, the newest first."""
    begin, end = days.day_bounds(question.first)[0], days.day_bounds(question.last)[1]
    hours = store.by_hour(connection, begin, end, tenant_id=question.tenant_id)
    calls = sum(
        one.calls for one in line_store.worked(connection, question.first, question.last, tenant_id=question.tenant_id)
    )
    refused, again = Counter[str](), Counter[str]()
    for _, rule, number, repeated in hours:
        refused[rule] += number
        again[rule] += repeated
    total = sum(refused.values())
    low, high = wilson(total, calls + total)
    return Analysis(
        "refusals",
        question.first,
        question.last,
        figures=(
            Figure("clicks", calls + total, "whole"),
            Figure("refused", total, "whole"),
            Figure("refused_rate", share(total, calls + total), "percent", None, low, high),
            Figure("again", sum(again.values()), "whole"),
        ),
        tables=(
            Table(
                "rules", RULES, [(rule, number, share(number, total), again[rule]) for rule, number in refused.most_common()]
            ),
            Table("refused_hours", HOURS, hours),
        ),
        notes=(Note("refusals_kept", {"days": LONGEST_KEPT, "seconds": int(AGAIN_S)}),),
    )
