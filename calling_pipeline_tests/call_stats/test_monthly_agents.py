"""The months of agents are the sum of their days after any statements, and rankings that read them say the same."""

import datetime as dt
import threading

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from calling_pipeline.analysis.statistics.agents import _periods
from calling_pipeline.analysis.statistics.store import agent_sums
from calling_pipeline.call_stats.daily_counts.tables import daily_agents, monthly_agents
from calling_pipeline_tests.support import LIMIT_S, join_all

FIRST = dt.date(2025, 12, 20)
COUNTS = ("calls", "connected", "talk_s", "grade_9", "grade_1", "orders")
places = st.integers(0, 110)
counts = st.tuples(*[st.integers(0, 50)] * len(COUNTS))
days_of = st.dictionaries(st.tuples(places, st.sampled_from(["", "a", "b"])), counts, min_size=1, max_size=12)
writes = st.lists(
    st.one_of(
        st.tuples(st.just("count"), days_of),
        st.tuples(st.just("change"), places),
        st.tuples(st.just("move"), places),
        st.tuples(st.just("delete"), places),
        st.tuples(st.just("empty"), st.none()),
    ),
    max_size=8,
)


def day(place):
    return FIRST + dt.timedelta(days=place)


def write(connection, kind, what):
    """One write as the product does it, or as nobody does it yet."""
    c = daily_agents.c
    if kind == "count":
        connection.execute(sa.delete(daily_agents).where(c.date.in_({day(place) for place, _ in what})))
        rows = [
            {"date": day(place), "agent_id": agent, **dict(zip(COUNTS, values, strict=True))}
            for (place, agent), values in what.items()
        ]
        connection.execute(sa.insert(daily_agents).values(rows))
    elif kind == "change":
        connection.execute(sa.update(daily_agents).where(c.date >= day(what)).values(calls=c.calls + 3, orders=0))
    elif kind == "move":
        connection.execute(sa.update(daily_agents).where(c.date <= day(what)).values(date=c.date + 200))
    elif kind == "delete":
        connection.execute(sa.delete(daily_agents).where(c.date < day(what)))
    else:
        connection.execute(sa.text("TRUNCATE daily_agents"))


def by_hand(connection):
    """The sums of the days, month by month."""
    found = {}
    for row in connection.execute(sa.select(daily_agents)):
        kept = found.setdefault((row.date.replace(day=1), row.agent_id), [0] * (len(COUNTS) + 1))
        for place, value in enumerate((1, *(getattr(row, name) for name in COUNTS))):
            kept[place] += value
    return {key: tuple(values) for key, values in found.items()}


def months(connection):
    return {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(sa.select(monthly_agents))}


@given(writes, places, places)
@settings(deadline=None, max_examples=12)
def test_months_are_the_sums_of_their_days_after_any_writes_and_rankings_are_those_of_the_days(
    class_engine, done, one, other
):
    with class_engine.connect() as connection:
        for kind, what in done:
            write(connection, kind, what)
            assert months(connection) == by_hand(connection), kind
        first, last = sorted((day(one), day(other)))
        rows = connection.execute(sa.select(daily_agents).where(daily_agents.c.date.between(first, last))).all()
        for by in ("range", "week", "month"):
            wanted = {}
            periods = _periods(by, first, last)
            for row in rows:
                start = max(start for start, _ in periods if start <= row.date)
                kept = wanted.setdefault((start, row.agent_id), [0, 0, 0])
                kept[0], kept[1], kept[2] = kept[0] + 1, kept[1] + row.calls, kept[2] + row.orders
            found, total = agent_sums(connection, periods, most=1000)
            said = {(row["start"], row["agent_id"]): [row["days"], row["calls"], row["orders"]] for row in found}
            assert said == wanted, by
            assert total == len(wanted)
        connection.rollback()


def test_two_days_of_a_month_that_are_counted_at_once_never_stop_each_other(engine):
    """Each first has the agent that the other one gets: without turns each would hold what the other waits for."""
    with engine.begin() as connection:
        write(connection, "count", {(20, "a"): (9,) * 6, (21, "b"): (9,) * 6})
    met, failed = threading.Barrier(2), []

    def recount(place, before, after):
        try:
            for _ in range(5):
                with engine.begin() as connection:
                    met.wait(LIMIT_S)
                    write(connection, "count", {(place, before): (7,) * 6})
                    write(connection, "count", {(place, agent): (5,) * 6 for agent in (before, after)})
        except Exception as error:  # the main thread says it
            failed.append(error)
            met.abort()

    threads = [threading.Thread(target=recount, args=one) for one in ((20, "a", "b"), (21, "b", "a"))]
    for thread in threads:
        thread.start()
    join_all(*threads)
    assert failed == []
    with engine.connect() as connection:
        assert months(connection) == by_hand(connection)
        assert months(connection)[day(20).replace(day=1), "a"][:2] == (2, 10)


@pytest.mark.parametrize(("first", "last"), [("2026-01-01", "2026-01-31"), ("2026-01-01", "2026-03-15")])
def test_whole_months_are_read_from_the_months(engine, first, last):
    """A month whose days say something else, which no writer can bring about, shows what was read."""
    with engine.begin() as connection:
        write(connection, "count", {(20, "a"): (1,) * 6})
        connection.execute(sa.update(monthly_agents).values(calls=99))
        periods = [(dt.date.fromisoformat(first), dt.date.fromisoformat(last))]
        (row,), _ = agent_sums(connection, periods, most=10)
        connection.rollback()
    assert row["calls"] == 99
