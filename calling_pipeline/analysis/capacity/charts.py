"""The curve of lines and refused clicks, and each hour of the day as it was and as it was expected."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Analysis
from calling_pipeline.analysis.registry import Drawing
from calling_pipeline.analysis.statistics.charts import say, values
from calling_pipeline.charts.records import Caption, Lines, Series


def capacity_charts(found: Analysis, language: Language) -> Sequence[Drawing]:
    """Lines → share refused, on the whole and in the busiest hour; and hour by hour."""
    if not found.tables:
        return ()
    curve, hours = found.tables
    figures = {figure.name: figure.value for figure in found.figures}
    said = say(
        "analysis.chart_capacity_text",
        language,
        lines=figures["lines"],
        expected=figures["expected"],
        wanted=figures["wanted"],
        needed=figures["lines_needed"],
    )
    by_lines = [
        Series(say("analysis.column_expected", language), values(curve, "expected")),
        Series(say("analysis.column_expected_busiest", language), values(curve, "expected_busiest"), "second"),
    ]
    by_hour = [
        Series(say("analysis.column_refused_rate", language), values(hours, "refused_rate")),
        Series(say("analysis.column_expected", language), values(hours, "expected"), "mean"),
    ]
    return (
        Lines(
            Caption("capacity-lines", say("analysis.chart_capacity", language), said),
            [str(number) for number in values(curve, "lines")],
            by_lines,
            whole=False,
            unit="%",
            language=language,
        ),
        Lines(
            Caption("capacity-hours", say("analysis.chart_capacity_hours", language), said),
            [f"{hour:02d}" for hour in values(hours, "hour")],
            by_hour,
            whole=False,
            unit="%",
            language=language,
        ),
    )
