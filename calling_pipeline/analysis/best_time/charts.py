"""The learned heat map of hours."""

from __future__ import annotations

from collections.abc import Sequence

from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Analysis
from calling_pipeline.analysis.registry import Drawing
from calling_pipeline.analysis.statistics.charts import say, values
from calling_pipeline.charts.records import Caption, Heat

_WEEKDAYS = range(1, 8)


def best_time_charts(found: Analysis, language: Language) -> Sequence[Drawing]:
    """The learned chance of each weekday and hour; nothing before the first night."""
    table = next((one for one in found.tables if one.name == "best_time_hours"), None)
    if table is None or not table.rows:
        return ()
    cells = dict(
        zip(zip(values(table, "weekday"), values(table, "hour"), strict=True), values(table, "learned_rate"), strict=True)
    )
    hours = sorted(set(values(table, "hour")))
    title = say("analysis.column_learned_rate", language)
    (weekday, hour), most = max(cells.items(), key=lambda cell: cell[1] or 0)
    place = {"weekday": say(f"analysis.weekday_{weekday}", language), "hour": hour, "most": f"{most:,.1f}"}
    return (
        Heat(
            Caption("best-time-hours", title, say("analysis.chart_heat_text", language, what=title, **place)),
            [say(f"analysis.weekday_{day}", language) for day in _WEEKDAYS],
            [str(one) for one in hours],
            [[cells.get((day, one)) for one in hours] for day in _WEEKDAYS],
            say("analysis.few", language),
            say("analysis.many", language),
            language=language,
        ),
    )
