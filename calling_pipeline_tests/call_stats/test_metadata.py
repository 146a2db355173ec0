"""What an operator sees of a day on an asset's page: its numbers first and explained, the proof in one table after them."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from calling_pipeline import days
from calling_pipeline.call_stats.history import store as history
from calling_pipeline.call_stats.records import DayResult, GradeDay, HourlyOrders, TaskDay, TaskSums
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.trend.trend import read_trend
from calling_pipeline.defs.call_stats import metadata
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, proof_of

NOW = dt.datetime(2026, 11, 24, 7, 5, tzinfo=days.SHANGHAI)
TASKS = TaskDay(YESTERDAY, 3, 200, 80, 9, Decimal("40.00"), NOW, "manual")
GRADES = GradeDay(YESTERDAY, 7, 2, 9, 200, NOW, 1.5, "manual", proof_of("grade", YESTERDAY, records=200))
RESULT = DayResult(YESTERDAY, "task", "stored", proof_of("task", YESTERDAY, records=3), TASKS, 0.25)


def rows(value):
    return [dict(record.data) for record in value.records]


@pytest.fixture
def week_before(connection):
    day = YESTERDAY - dt.timedelta(weeks=1)
    sync_store.publish_task_day(connection, proof_of("task", day), TaskSums(2, 160, 40, 5), now=NOW)
    return history.read_weekdays(connection, YESTERDAY)[0]


def shown_before(about, name):
    names = list(about)
    return names[: names.index(name)]


def test_the_task_numbers_lead_beside_the_week_before(week_before):
    about = metadata.about_tasks(RESULT, week_before)
    assert {"numbers", "callout_number", "called_number", "connected_rate"} <= set(shown_before(about, "elapsed_s"))
    assert list(about)[-1] == "proof", "everything technical about the read is one table at the end"
    first, second, *_ = rows(about["numbers"])
    assert first == {
        "number": "callout_number",
        "value": "200",
        "week before": "160",
    }
    assert (second["number"], second["value"], second["week before"]) == ("called_number", "80", "40")


def test_without_a_week_before_nothing_is_invented(week_before):
    assert {row["week before"] for row in rows(metadata.about_tasks(RESULT)["numbers"])} == {None}
    assert {row["week before"] for row in rows(metadata.about_grades(GRADES, week_before)["numbers"])} == {None}


def test_the_grade_numbers_lead_and_a_pruned_proof_is_not_complete():
    about = metadata.about_grades(GRADES)
    assert list(about)[1:6] == ["numbers", "total_success", "grade_9", "grade_1", "total_records"]
    assert about["complete"] is True
    assert metadata.about_grades(dataclasses.replace(GRADES, proof=None))["complete"] is False


def test_the_proof_is_one_table_that_names_fields_and_unknown_grades():
    proof = dataclasses.replace(proof_of("grade", YESTERDAY, records=5), unknown_grades={"8元": 2}, retries=1)
    table = {row["of the read"]: row["value"] for row in rows(metadata.about_proof(proof)["proof"])}
    assert (table["reported_total"], table["retries"], table["unknown_grades"], table["new_fields"]) == (
        "5",
        "1",
        "8元: 2",
        "none",
    )
    assert table["window"].startswith(f"{YESTERDAY} 00:00:00")


def hour(number, calls, connected=0, orders=0, day=YESTERDAY):
    return HourlyOrders(day, number, calls, connected, orders, 0, orders)


def test_hours_stand_beside_the_week_before_with_calls_connected_and_orders():
    about = metadata.about_hours([hour(9, 100, 40, 3), hour(10, 50, 20)], [hour(9, 150, 60, 4), hour(11, 10, 5, 1)])
    assert (about["calls"], about["connected"], about["orders"], about["busiest_hour"]) == (150, 60, 3, 9)
    nine, ten, eleven = rows(about["by_hour"])
    assert (nine["calls"], nine["connected"], nine["orders"]) == ("100 (150)", "40 (60)", "3 (4)")
    assert nine["by calls"] == "█" * 7 + "░" * 3
    assert (ten["calls"], ten["orders"]) == ("50", "0")
    assert (eleven["hour"], eleven["calls"]) == ("11:00", "– (10)")
    assert max(len(str(value)) for row in rows(about["by_hour"]) for value in row.values()) <= 10, "it fits the page"
    assert "`" not in "".join(str(value) for row in rows(about["by_hour"]) for value in row.values())


def test_a_day_without_calls_says_so():
    assert metadata.about_hours([])["by_hour"] == "no call yet"


def test_a_kept_day_shows_only_the_track_that_read_it(week_before):
    about = metadata.about_history(week_before)
    assert about["callout_number"] == 160
    assert about["task_read"].startswith("read 1, 2026-11-24 07:05:00")
    assert "grade_read" not in about
    assert "total_success" not in about


def test_a_kept_day_shows_the_figures_of_the_trend_that_are_known(sync, engine):
    sync("grade")
    with engine.connect() as connection:
        (day,) = read_trend(connection, YESTERDAY, YESTERDAY)
    about = metadata.about_trend(day)
    assert about == {"order_rate": round(100 * day.stored.total_success / day.stored.total_records, 2)}
