"""A report as JSON: what is read back is what was stored, to the last digit and character."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import get_args

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calling_pipeline.analysis.records import Column, Figure, Kind, Note, Table
from calling_pipeline.reports import periods, store
from calling_pipeline.reports.facts import digest_of, facts_of, packed, report_of
from calling_pipeline.reports.records import Chart, ChartMark, ChartSeries, Report, Section

DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1))
MOMENTS = st.integers(1_500_000_000, 2_000_000_000).map(lambda second: dt.datetime.fromtimestamp(second, dt.UTC))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=20)
NAMES = st.sampled_from(["summary", "orders", "days"])
"""Names are our own words; values may come from outside."""
VALUES = st.one_of(
    st.none(),
    st.integers(-(10**30), 10**30),
    NUMBERS,
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    TEXTS,
    DAYS,
    MOMENTS,
)
KINDS = st.sampled_from(get_args(Kind))
NOTES = st.builds(Note, NAMES, st.dictionaries(NAMES, VALUES, max_size=2), st.sampled_from(["note", "warning"]))
FIGURES = st.builds(Figure, NAMES, VALUES, KINDS, VALUES, VALUES, VALUES)
TABLES = st.builds(
    lambda name, kinds, row, count, more: Table(
        name, tuple(Column(str(place), kind) for place, kind in enumerate(kinds)), (tuple(row),) * count, count + more
    ),
    NAMES,
    st.tuples(KINDS, KINDS),
    st.tuples(VALUES, VALUES),
    st.integers(0, 2),
    st.integers(0, 2),
)
CHARTS = st.builds(
    lambda name, shape, label, values: Chart(
        name, shape, (label,), "day", (ChartSeries("orders", values, "mean", 1),), (ChartMark(0, "held"),), "%"
    ),
    NAMES,
    st.sampled_from(["lines", "bars", "heat"]),
    VALUES,
    st.tuples(st.one_of(st.none(), NUMBERS)),
)
SECTIONS = st.builds(
    Section, NAMES, st.tuples(FIGURES), st.tuples(TABLES), st.tuples(CHARTS), st.tuples(NOTES), st.booleans()
)
REPORTS = st.builds(
    lambda day, kind, made_at, notes, sections, control: Report(
        periods.containing(kind, day), 3, made_at, tuple(notes), tuple(sections), control
    ),
    DAYS,
    st.sampled_from(["daily", "weekly", "monthly"]),
    MOMENTS,
    st.lists(NOTES, max_size=1),
    st.lists(SECTIONS, max_size=2),
    st.dictionaries(st.sampled_from(["days", "orders"]), st.integers(0, 10**12)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(report=REPORTS)
def test_what_is_read_back_from_the_database_is_what_was_stored(engine: sa.Engine, report: Report) -> None:
    with engine.connect() as connection:
        stored = store.insert_report(
            connection, report, digest=digest_of(report), sources={}, changes=(), made_by="test", reason=""
        )
        back, again = store.by_id(connection, stored.id)
        connection.rollback()

    assert again == report
    assert back.control_code == report.control_code
    assert digest_of(again) == digest_of(report)


def test_a_text_with_characters_that_the_database_refuses_is_read_back_as_it_was(connection: sa.Connection) -> None:
    period = periods.containing("daily", dt.date(2026, 11, 29))
    section = Section("agents", (Figure("calls", "\x00nul \ud800 \U0001f600", "text"),))
    report = Report(period, 1, dt.datetime(2026, 11, 30, 1, tzinfo=dt.UTC), (), (section,), {})
    stored = store.insert_report(
        connection, report, digest=digest_of(report), sources={}, changes=(), made_by="test", reason=""
    )
    assert store.by_id(connection, stored.id)[1] == report


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), object(), {"a": 1}])
def test_what_is_no_value_is_refused_before_it_is_stored(value: object) -> None:
    with pytest.raises(ValueError, match="of a report"):
        packed(value)


def test_the_digest_does_not_depend_on_when_a_report_was_made_or_on_what_only_stood_then() -> None:
    period = periods.containing("daily", dt.date(2026, 11, 29))
    settled = Section("summary", (Figure("orders", 3, "whole"),))

    def made(hour: int, orders: int, alerts: int) -> Report:
        sections = (
            Section("summary", (Figure("orders", orders, "whole"),)),
            Section("alerts", (Figure("alerts", alerts, "whole"),), settled=False),
        )
        return Report(period, hour, dt.datetime(2026, 11, 30, hour, tzinfo=dt.UTC), (), sections, {"orders": orders})

    assert made(1, 3, 0).sections[0] == settled
    assert digest_of(made(1, 3, 0)) == digest_of(made(2, 3, 5))
    assert digest_of(made(1, 3, 0)) != digest_of(made(1, 4, 0))
    assert facts_of(report_of(facts_of(made(1, 3, 0)), 1)) == facts_of(made(1, 3, 0))
