"""Reports made up for the tests of files: whole, partial, and with texts that mean harm."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

from calling_pipeline.analysis.records import Column, Figure, Note, Table, Value
from calling_pipeline.reports import periods
from calling_pipeline.reports.records import Chart, ChartMark, ChartSeries, Period, Report, ReportKind, Section
from calling_pipeline.reports.sections.proof import CONTROL_COLUMNS

DAY = dt.date(2026, 11, 27)
MADE = dt.datetime(2026, 11, 28, 0, 30, tzinfo=dt.UTC)
HOSTILE = (
    '=HYPERLINK("http://evil.example","x")', "+1+1", "-1", "@SUM(A1)", "\tx", "#let x = 1", "#image(\"/etc/passwd\")",
    "$ x^2 $", "*bold* _it_ `raw` <label> @ref", "\\ \\n \\",
    "\x00\x01\x1b[31m", "名字\U0001f600❤\ufe0f", "שלום عربى \u202eabc",
    "a" * 10_000, "长" * 10_000, "{{7*7}}", "<script>alert(1)</script>", '"><img onerror>', "http://evil.example/a",
    "\ud800",
    "\ufffe\uffff", "e\u0301\u0344", "\u1100\u1161\u11a8", "₀⁰½ⅷ㍿", " ", "]#[", "//", "/* x", "- list", "= head",
)  # fmt: skip


def sample(kind: ReportKind = "daily", *, partial: bool = False, rows: int = 12, names: tuple[str, ...] = ()) -> Report:
    """A report with every kind of part; `rows` of its ranking, whose names come from `names` where there are some."""
    period = periods.containing(kind, DAY)
    totals = {"dialled": 187_412, "connected": 64_013, "records": 199_870, "grade_9": 1_204, "grade_1": 811, "orders": 2_015}
    count = len(period.days)
    control = {"days": count, "task_days": count, "grade_days": count, **totals}
    late = Note("days_incomplete", {"track": "grade", "count": 1, "days": [DAY]}, "warning")
    return Report(
        period,
        2 if partial else 1,
        MADE,
        (late,) if partial else (),
        (_summary(totals, late if partial else None), _trend(period), _agents(rows, names), _proof(period, totals)),
        control,
    )


def _summary(totals: dict[str, int], note: Note | None) -> Section:
    counts = [Figure(name, value, "whole", int(value * 0.93)) for name, value in totals.items()]
    rates = [
        Figure("connected_rate", 34.16, "percent", 33.02, 33.9, 34.4),
        Figure("order_rate", Decimal("1.01"), "percent", 1.09, 0.96, 1.05),
    ]
    return Section("summary", figures=(*counts, *rates), notes=(note,) if note else ())


def _trend(period: Period) -> Section:
    days = tuple(period.last - dt.timedelta(days=27 - place) for place in range(28))
    orders = tuple(None if place == 9 else round(1900 + 300 * math.sin(place)) for place in range(28))
    rates = tuple(round(34 + math.cos(place), 2) for place in range(28))
    columns = (Column("day", "day"), Column("orders", "whole"), Column("connected_rate", "percent"))
    hours = tuple(round(abs(math.sin(hour / 4)) * 9000) for hour in range(8, 21))
    return Section(
        "trend",
        charts=(
            Chart("orders", "lines", days, "day", (ChartSeries("orders", orders),), (ChartMark(9, "missing"),)),
            Chart("rates", "lines", days, "day", (ChartSeries("connected_rate", rates),), unit="%"),
            Chart("orders", "bars", tuple(range(8, 21)), "hour", (ChartSeries("calls", hours),)),
        ),
        tables=(Table("days", columns, tuple(zip(days, orders, rates, strict=True))),),
    )


def _agents(rows: int, names: tuple[str, ...]) -> Section:
    columns = (
        Column("task_name", "text"), Column("province", "text"), Column("calls", "whole"), Column("connected", "whole"),
        Column("connected_rate", "percent"), Column("talk_s", "seconds"), Column("orders", "whole"),
    )  # fmt: skip
    people = names or tuple(f"坐席{place + 1:03d} 王小明" for place in range(min(rows, 500)))
    filled: list[tuple[Value, ...]] = [
        (people[place % len(people)], "浙江", 900 - place % 800, 300, 33.33, 65_432 - place, 9) for place in range(rows)
    ]
    return Section("tracks", tables=(Table("tracks", columns, tuple(filled), rows),))


def _proof(period: Period, totals: dict[str, int]) -> Section:
    rest = tuple((day, 1, 1, 0, 0, 0, 0, 0, 0) for day in period.days[1:])
    control = Table("control", CONTROL_COLUMNS, ((period.first, 1, 1, *totals.values()), *rest))
    read = (
        Column("day", "day"), Column("track", "word"), Column("standing", "word"), Column("read_at", "moment"),
        Column("age", "seconds"), Column("reported", "whole"), Column("fetched", "whole"), Column("distinct", "whole"),
    )  # fmt: skip
    rows = [
        (day, f"{track}_track", "full", MADE, 3_600, 199_870, 199_870, 199_870)
        for day in period.days
        for track in ("task", "grade")
    ]
    return Section("proof", tables=(Table("reads", read, tuple(rows)), control), settled=False)
