"""Analyses over call statistics: sums over any parts of a range are those of the whole, and those of a count by hand."""

import datetime as dt
import random
from collections import defaultdict

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.analysis import wording
from calling_pipeline.analysis.asking import ask, entry_of, open_to, span_of
from calling_pipeline.analysis.catalogue import ANALYSES
from calling_pipeline.analysis.intervals import wilson
from calling_pipeline.analysis.registry import Question
from calling_pipeline.call_stats.daily_counts import store as daily_counts
from calling_pipeline.call_stats.tables import call_records, daily_history, held_days
from calling_pipeline.database import partitions
from calling_pipeline.database.engine import make_engine
from calling_pipeline.errors import Forbidden, InvalidInput, NotFound
from calling_pipeline.texts.catalogue import LANGUAGES, catalogue
from calling_pipeline_tests.conftest import TEMPLATE, temporary_database

LAST = days.today() - dt.timedelta(days=5)
DAYS = 28
FIRST = LAST - dt.timedelta(days=DAYS - 1)
ADDITIVE = ("calls", "connected", "talk_s", "grade_9", "grade_1", "orders", "dialled", "records")
COUNTED = ("agents", "hours", "weekday_hours", "provinces", "tasks")
KEYS = {
    "agents": ("agent_id",),
    "hours": ("hour",),
    "weekday_hours": ("weekday", "hour"),
    "provinces": ("province",),
    "tasks": ("task_id", "task_name"),
    "trend": ("day",),
}


@pytest.fixture(scope="module")
def filled(server_url):
    """Four weeks of random records, counted; every fifth day was never read."""
    for url in temporary_database(server_url, TEMPLATE):
        engine = make_engine(url)
        fill(engine)
        yield engine
        engine.dispose()


def fill(engine):
    chance = random.Random(31)
    with engine.begin() as connection:
        for place, day in enumerate(days.day_range(FIRST, LAST)):
            if place % 5 == 3:
                continue
            records = [record(chance, day, place * 1000 + number) for number in range(chance.randrange(5, 60))]
            partitions.make(connection, "call_records", [day])
            connection.execute(sa.insert(call_records), records)
            connection.execute(sa.insert(daily_history), kept(day, records))
            daily_counts.count_day(connection, day, fetch_number=place + 1)


def record(chance, day, id_):
    state = chance.choice([None, 0, 1, 2, 2])
    task = chance.choice([None, "1", "2", "3"])
    return {
        "id": id_,
        "date": day,
        "called_at": days.day_bounds(day)[0] + dt.timedelta(hours=chance.randrange(9, 21), minutes=chance.randrange(60)),
        "call_state": state,
        "duration_s": chance.randrange(300) if state == 2 else 0,
        "order_yuan": chance.choice([0, 0, 1, 9]) if state == 2 else 0,
        "agent_id": chance.choice(["", "a", "b", "c", "=cmd()"]),
        "task_id": task,
        "task_name": None if task is None else f"task {task}",
        "phone_masked": "138****0000",
        "province": chance.choice([None, "", "浙江", "山东", "<b>"]),
    }


def kept(day, records):
    nine, one = (sum(each["order_yuan"] == yuan for each in records) for yuan in (9, 1))
    return {
        "date": day,
        "grade_9": nine,
        "grade_1": one,
        "total_success": nine + one,
        "total_records": len(records),
        "grade_calculated_at": days.day_bounds(day)[1],
        "grade_sync_type": "manual",
        "grade_fetch_number": day.toordinal(),
        "total_tasks": 3,
        "callout_number": len(records),
        "called_number": sum(each["call_state"] == 2 for each in records),
        "success_number": nine,
        "connected_rate": 40,
        "task_calculated_at": days.day_bounds(day)[1],
        "task_sync_type": "manual",
        "task_fetch_number": day.toordinal(),
        "updated_at": days.day_bounds(day)[1],
    }


def asked(connection, name, first=FIRST, last=LAST, **options):
    entry = ANALYSES[name]
    chosen = {option: options.get(option, entry.choices[option][0]) for option in entry.options}
    return entry.compute(connection, Question(first, last, options=chosen))


def sums(found, keys):
    """Key → column → sum over the rows of the first table."""
    by = defaultdict(lambda: defaultdict(int))
    for row in found.tables[0].documents:
        for name in ADDITIVE:
            if name in row:
                by[tuple(row[key] for key in keys)][name] += row[name] or 0
    return {key: dict(values) for key, values in by.items()}


@given(st.data())
@settings(deadline=None, max_examples=25)
def test_sums_over_any_partition_of_a_range_are_those_of_the_whole(filled, data):
    first = data.draw(st.integers(0, DAYS - 1))
    last = data.draw(st.integers(first, DAYS - 1))
    cuts = sorted(data.draw(st.sets(st.integers(first + 1, last), max_size=4))) if last > first else []
    edges = [first, *cuts, last + 1]
    parts = [(edges[place], edges[place + 1] - 1) for place in range(len(edges) - 1)]
    day = lambda n: FIRST + dt.timedelta(days=n)  # noqa: E731
    with filled.connect() as connection:
        for name, keys in KEYS.items():
            whole = asked(connection, name, day(first), day(last))
            added = defaultdict(lambda: defaultdict(int))
            figures = defaultdict(int)
            for begin, end in parts:
                part = asked(connection, name, day(begin), day(end))
                for key, values in sums(part, keys).items():
                    for column, value in values.items():
                        added[key][column] += value
                for one in part.figures:
                    if one.name in ADDITIVE:
                        figures[one.name] += one.value
            assert sums(whole, keys) == {key: dict(values) for key, values in added.items()}, name
            assert {one.name: one.value for one in whole.figures if one.name in ADDITIVE} == dict(figures), name


def test_every_table_adds_up_to_its_figures_and_to_a_count_by_hand(filled):
    with filled.connect() as connection:
        records = connection.execute(sa.select(call_records)).all()
        by_hand = {
            "calls": len(records),
            "connected": sum(one.call_state == 2 for one in records),
            "talk_s": sum(one.duration_s for one in records),
            "orders": sum(one.order_yuan != 0 for one in records),
        }
        for name in COUNTED:
            found = asked(connection, name)
            figures = {one.name: one.value for one in found.figures}
            for column, value in by_hand.items():
                assert figures[column] == value, name
                assert sum(row[column] for row in found.tables[0].documents) == value, name
        agents = {row["agent_id"]: row for row in asked(connection, "agents").tables[0].documents}
    mine = [one for one in records if one.agent_id == "a"]
    assert agents["a"]["calls"] == len(mine)
    assert agents["a"]["days"] == len({one.date for one in mine})
    assert agents["a"]["order_rate"] == round(100 * sum(one.order_yuan != 0 for one in mine) / len(mine), 2)


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_agents_by_day_week_or_month_add_up_to_the_range_and_are_ranked_in_each(filled, by):
    with filled.connect() as connection:
        whole, parts = asked(connection, "agents"), asked(connection, "agents", by=by)
    assert sums(whole, ("agent_id",)) == sums(parts, ("agent_id",))
    rows = parts.tables[0].documents
    for start in {row["start"] for row in rows}:
        ranked = [row["rank"] for row in rows if row["start"] == start and row["agent_id"]]
        assert ranked == list(range(1, len(ranked) + 1))
        assert sorted(row["rank_by_rate"] for row in rows if row["start"] == start and row["agent_id"]) == ranked
    if by == "week":
        assert {row["start"].isoweekday() for row in rows if row["start"] != FIRST} == {1}
    if by == "month":
        assert {row["start"].day for row in rows if row["start"] != FIRST} <= {1}


def test_few_calls_and_luck_do_not_come_first_by_rate(filled):
    """One order of one call is 100 %: the rank goes by the lower end of the interval."""
    assert wilson(1, 1)[0] < wilson(60, 100)[0]
    assert wilson(0, 0) == (None, None)
    low, high = wilson(10, 100)
    assert (low, high) == (5.52, 17.44)
    with filled.connect() as connection:
        found = asked(connection, "agents", LAST - dt.timedelta(days=1), LAST)
    assert {note.name for note in found.notes} >= {"ranks", "few_calls", "counted_days"}
    named = sorted((row["rank_by_rate"], -row["order_rate_low"]) for row in found.tables[0].documents if row["agent_id"])
    assert [low for _, low in named] == sorted(low for _, low in named)
    nobody = [row for row in found.tables[0].documents if not row["agent_id"]]
    assert [(row["rank"], row["rank_by_rate"]) for row in nobody] == [(None, None)]


def test_days_that_are_missing_held_or_not_counted_are_said(filled):
    with filled.connect() as connection:
        notes = {note.name: note.values for note in asked(connection, "trend").notes}
        assert notes["known_days"] == {"known": 23, "days": 28}
        assert notes["missing_days"] == {"count": 5}
        held = {
            "track": "grade",
            "date": LAST,
            "state": "open",
            "fetch_number": 10**6,
            "held_at": days.now(),
            "reasons": [],
            "numbers": {},
            "proof": {},
        }
        connection.execute(sa.insert(held_days).values(held))
        connection.execute(sa.text("DELETE FROM counted_days WHERE date = :day"), {"day": LAST})
        for name in ("trend", *COUNTED):
            assert {note.name: note.values for note in asked(connection, name).notes}["held_days"] == {"count": 1}, name
        notes = {note.name: note.values for note in asked(connection, "hours").notes}
        assert notes["uncounted_days"] == {"count": 1}
        connection.rollback()


def test_whatever_an_analysis_names_has_words_in_both_languages(filled):
    with filled.connect() as connection:
        for entry in ANALYSES.values():
            for first, last in ((FIRST, LAST), (LAST - dt.timedelta(days=400), LAST - dt.timedelta(days=390))):
                found = entry.compute(connection, question(entry, first, last))
                for language in LANGUAGES:
                    assert wording.title(entry.name, language)
                    assert wording.about(entry.name, language)
                    for option in entry.options:
                        assert wording.option_name(option, language)
                        for value in entry.choices.get(option, ()):
                            assert wording.choice_name(value, language)
                    for note in found.notes:
                        assert wording.note_said(note, language)
                    for figure in found.figures:
                        assert wording.figure_name(figure.name, language)
                        assert wording.figure_said(figure, language)
                    for table in found.tables:
                        assert wording.table_name(table.name, language)
                        words(table, language)
                    if entry.charts:
                        entry.charts(found, language)
                assert found.document["analysis"] == entry.name


def words(table, language):
    for column in table.columns:
        assert wording.column_name(column.name, language)
    places = {place: column for place, column in enumerate(table.columns) if column.kind == "word"}
    for row in table.rows:
        for place in places:
            assert row[place] is None or f"analysis.word_{row[place]}" in catalogue().keys, row[place]


def question(entry, first, last):
    if (last - first).days >= entry.longest_days:
        first = last - dt.timedelta(days=entry.longest_days - 1)
    return Question(first, last, options={name: entry.choices.get(name, ("",))[0] for name in entry.options})


def test_a_room_that_is_closed_to_the_caller_answers_nothing(filled):
    bound = Caller("admin", 1, "li")
    granted = Caller("viewer", 1, "li", grants=frozenset({"statistics"}))
    with pytest.raises(Forbidden, match="bound to tenant 1"):
        entry_of("trend", bound)
    assert entry_of("trend", granted).name == "trend"
    assert "trend" not in [one.name for one in open_to(bound)]
    assert "trend" in [one.name for one in open_to(granted)]
    with filled.connect() as connection:
        days_asked = span(connection)
        with pytest.raises(Forbidden):
            answered(connection, "trend", days_asked, caller=bound)


def answered(connection, name, days_asked, *, caller=None, tenant_id=None, **options):
    entry = ANALYSES[name]
    return ask(connection, entry, days_asked, caller=caller, tenant_id=tenant_id, options=options, agent_names={})


def span(connection):
    return span_of(connection, ANALYSES["trend"], str(FIRST), str(LAST), oldest=FIRST)


def test_what_cannot_be_answered_is_refused_by_name(filled):
    with filled.connect() as connection:
        days_asked, long_ago = span(connection), LAST - dt.timedelta(days=400)
        with pytest.raises(NotFound, match="there is no analysis"):
            entry_of("nothing", None)
        with pytest.raises(InvalidInput, match="belongs to no tenant"):
            answered(connection, "trend", days_asked, tenant_id=1)
        with pytest.raises(InvalidInput, match="has no option 'colour'"):
            answered(connection, "trend", days_asked, colour="red")
        with pytest.raises(InvalidInput, match="by is one of range"):
            answered(connection, "agents", days_asked, by="year")
        with pytest.raises(InvalidInput, match="400 days at most"):
            span_of(connection, ANALYSES["trend"], str(long_ago), str(LAST), oldest=long_ago)
        with pytest.raises(InvalidInput, match="outside the days there are"):
            span_of(connection, ANALYSES["trend"], str(FIRST), "2999-01-01", oldest=FIRST)
        with pytest.raises(InvalidInput, match="31 days at most"):
            asked(connection, "agents", LAST - dt.timedelta(days=80), LAST, by="day")
