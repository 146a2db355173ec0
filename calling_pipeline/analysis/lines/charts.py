"""The pictures of refused clicks and of late callbacks, made of what the analyses found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from calling_pipeline import days
from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Analysis
from calling_pipeline.analysis.registry import Drawing
from calling_pipeline.analysis.statistics.charts import say, values
from calling_pipeline.charts.records import Bars, Caption, Lines, Series

_HOURS = range(24)


def refusal_charts(found: Analysis, language: Language) -> Sequence[Drawing]:
    """Refused clicks by hour of the day, and how many of them followed a refusal within seconds."""
    table = found.tables[1]
    refused, again = Counter[int](), Counter[int]()
    for moment, number, once_more in zip(*(values(table, name) for name in ("moment", "refused", "again")), strict=True):
        hour = moment.astimezone(days.SHANGHAI).hour
        refused[hour] += number
        again[hour] += once_more
    if not refused:
        return ()
    worst = max(refused, key=lambda hour: refused[hour])
    said = say("analysis.chart_refusals_text", language, hour=f"{worst:02d}:00", number=f"{refused[worst]:,}")
    panel = [
        Series(say("analysis.column_refused", language), [refused[hour] for hour in _HOURS]),
        Series(say("analysis.column_again", language), [again[hour] for hour in _HOURS], "second"),
    ]
    caption = Caption("refused-by-hour", say("analysis.chart_refusals", language), said)
    return (Bars(caption, [f"{hour:02d}" for hour in _HOURS], [panel], language=language),)


def delay_charts(found: Analysis, language: Language) -> Sequence[Drawing]:
    """Half, nine of ten and ninety-nine of a hundred callbacks came within so many seconds, day by day."""
    table = found.tables[0]
    if not table.rows:
        return ()
    whole = {figure.name: figure.value for figure in found.figures}
    said = say("analysis.chart_delays_text", language, half=whole["delay_p50"] or 0, most=whole["delay_p99"] or 0)
    series = [
        Series(say("analysis.column_delay_p50", language), values(table, "delay_p50")),
        Series(say("analysis.column_delay_p90", language), values(table, "delay_p90"), "second"),
        Series(say("analysis.column_delay_p99", language), values(table, "delay_p99"), "third"),
    ]
    caption = Caption("callback-delays", say("analysis.chart_delays", language), said)
    labels = [f"{day:%m-%d}" for day in values(table, "day")]
    return (Lines(caption, labels, series, whole=False, unit="s", language=language),)
