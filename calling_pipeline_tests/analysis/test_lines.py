"""Use of the lines: the same as a plain count of the calls, additive over days, each tenant for itself."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict

import pytest

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.analysis.asking import Span, ask
from calling_pipeline.analysis.catalogue import ANALYSES
from calling_pipeline.analysis.lines.delays import percentile
from calling_pipeline.analysis.registry import Question
from calling_pipeline.errors import Forbidden
from calling_pipeline.telephony.pool.line_counts import store
from calling_pipeline.telephony.refusals import store as refusal_store

ADDITIVE = {
    "extensions": ("calls", "connected", "talk_s", "busy_s", "failed", "unknown"),
    "collectors": ("calls", "connected", "talk_s", "busy_s", "failed", "unknown"),
    "refusals": ("refused", "again"),
    "callback_delay": ("ended", "callbacks", "lost", "swept"),
}


def asked(connection, name, first, last, tenant=None):
    return ANALYSES[name].compute(connection, Question(first, last, tenant_id=tenant))


def span():
    return days.today() - dt.timedelta(days=8), days.today()


def refuse(connection, *, tenants=(1, 2)):
    """Refused clicks in every hour of the last week."""
    hour = days.now().replace(minute=0, second=0, microsecond=0)
    counts, again = {}, {}
    for back in range(0, 24 * 7, 5):
        for place, rule in enumerate(("none_free", "in_call", "contact_policy:country")):
            for tenant in tenants:
                counts[tenant, hour - dt.timedelta(hours=back), rule] = 1 + place + back % 7
                again[tenant, hour - dt.timedelta(hours=back), rule] = back % 3
    refusal_store.add(connection, counts, again)


@pytest.mark.parametrize("name", ["extensions", "collectors"])
def test_use_is_that_of_a_plain_count(connection, week, name):
    key = {
        "extensions": lambda row: (row["tenant_id"], row["extension_number"]),
        "collectors": lambda row: (row["tenant_id"], row["collector_id"]),
    }[name]
    calls, talk, first = Counter(), Counter(), {}
    busy = defaultdict(float)
    for one in week:
        calls[key(one.row)] += 1
        talk[key(one.row)] += one.row["duration_s"] if one.row["state"] == "connected" else 0
        busy[key(one.row)] += one.busy_s
        first[key(one.row)] = min(first.get(key(one.row), one.row["started_at"]), one.row["started_at"])
    hours = Counter(tenant for tenant, _ in {(one.row["tenant_id"], _hour(one)) for one in week})
    rows = asked(connection, name, *span()).tables[0].documents
    found = {(row["tenant_id"], row["extension" if name == "extensions" else "collector_id"]): row for row in rows}
    assert {place: row["calls"] for place, row in found.items()} == dict(calls)
    assert {place: row["talk_s"] for place, row in found.items()} == {place: talk[place] for place in calls}
    assert {place: row["first_used"] for place, row in found.items()} == first
    for place, row in found.items():
        assert row["busy_s"] == pytest.approx(busy[place], abs=5)  # each day is rounded to a second
        assert row["busy_rate"] == pytest.approx(100 * row["busy_s"] / 3600 / hours[place[0]], abs=0.01)
        assert row["calls_per_hour"] == pytest.approx(calls[place] / hours[place[0]], abs=0.01)


def test_delays_and_refusals_are_those_of_a_plain_count(connection, week):
    refuse(connection)
    made = [one.row for one in week if one.row["settled_by"] != "make_call"]
    wanted = sorted(one["callback_delay_s"] for one in made if one["callback_delay_s"] is not None)
    late = sum(one["callback_delay_s"] is not None and one["closed_at"] < one["settled_at"] for one in made)
    found = asked(connection, "callback_delay", *span())
    figures = {one.name: one.value for one in found.figures}
    sums = [sum(row[name] for row in found.tables[0].documents) for name in ("ended", "callbacks", "lost", "swept")]
    assert sums == [len(made), len(wanted), len(made) - len(wanted), late]
    for part, name in ((0.5, "delay_p50"), (0.9, "delay_p90"), (0.99, "delay_p99")):
        assert figures[name] == pytest.approx(wanted[math.ceil(part * len(wanted)) - 1], abs=0.051)
    rules = asked(connection, "refusals", *span()).tables[0].documents
    sums = connection.exec_driver_sql("SELECT rule, sum(number)::int, sum(again)::int FROM call_refusals GROUP BY 1").all()
    assert {(row["rule"], row["refused"], row["again"]) for row in rules} == {tuple(row) for row in sums}


@pytest.mark.parametrize("counted", [False, True])
def test_sums_over_any_partition_of_the_days_are_those_of_the_whole(connection, week, counted):
    refuse(connection)
    while counted and store.catch_up(connection):
        pass
    first, last = span()
    for name, columns in ADDITIVE.items():
        whole = _sums(asked(connection, name, first, last), columns)
        assert any(whole)
        for cut in range(1, (last - first).days + 1, 3):
            middle = first + dt.timedelta(days=cut)
            parts = (asked(connection, name, first, middle - dt.timedelta(days=1)), asked(connection, name, middle, last))
            sums = [_sums(part, columns) for part in parts]
            assert [sum(pair) for pair in zip(*sums, strict=True)] == whole, (name, cut)


@pytest.mark.parametrize("name", ["extensions", "collectors", "refusals", "callback_delay", "capacity"])
def test_a_tenant_sees_its_own_alone(connection, week, name):
    refuse(connection)
    entry = ANALYSES[name]
    of_1 = Caller("viewer", 1, "of 1")

    def document(tenant):
        found = ask(connection, entry, Span(*span()), caller=of_1, tenant_id=tenant, options={}, agent_names={})
        return found.document

    before = document(None)
    assert before == document(1)
    connection.exec_driver_sql("DELETE FROM communication_records WHERE tenant_id = 2")
    connection.exec_driver_sql("DELETE FROM call_refusals WHERE tenant_id = 2")
    assert document(None) == before
    with pytest.raises(Forbidden):
        document(2)


def test_nothing_stored_is_said_and_no_error(connection):
    for name in (*ADDITIVE, "capacity"):
        found = asked(connection, name, *span())
        assert all(not table.rows for table in found.tables)
        charts = ANALYSES[name].charts
        assert charts is None or not charts(found, "en")


def test_a_percentile_is_the_least_delay_within_which_so_many_lie():
    assert percentile({}, 0.5) is None
    assert percentile({3: 1, 10: 1}, 0.5) == 0.3
    assert percentile({3: 1, 10: 2}, 0.5) == 1.0
    assert percentile({0: 99, 50: 1}, 0.99) == 0.0


def _hour(one):
    return one.row["started_at"].replace(minute=0, second=0, microsecond=0)


def _sums(found, columns):
    rows = found.tables[0].documents
    return [sum(row[column] for row in rows) for column in columns]
