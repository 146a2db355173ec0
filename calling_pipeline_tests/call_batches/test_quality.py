"""Each check passes on good data and fails on the bad datum it exists for."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from calling_pipeline import days
from calling_pipeline.call_batches import quality
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.quality import Finding
from calling_pipeline_tests.call_batches.desk import phone

_BACKDATE = """
    ALTER TABLE call_log DISABLE TRIGGER call_log_append_only;
    INSERT INTO call_log (call_task_id, batch_id, phone, distinct_id, attempt, outcome, sent_at, recorded_at)
    SELECT call_task_id, batch_id, phone, distinct_id || n, 2 + n, 'pushed', sent_at + n * interval '1 second', recorded_at
    FROM call_log, generate_series(1, {times}) AS n WHERE phone = '13800000001'
"""
BAD = [
    (quality.phones_are_unique_in_batch, "INSERT INTO call_tasks (batch_id, source_row, phone, state)"
                                         " SELECT batch_id, 99, phone, 'pushed' FROM call_tasks LIMIT 1"),
    (quality.cards_reconcile, "DELETE FROM call_tasks WHERE source_row = 1"),
    (quality.cards_reconcile, "UPDATE call_tasks SET reason = 'blank' WHERE reason = 'duplicate'"),
    (quality.pushed_calls_have_log_and_history, "DELETE FROM call_history"),
    (quality.pushed_calls_have_log_and_history, "UPDATE call_tasks SET state = 'refused' WHERE source_row = 1"),
    (quality.pushed_calls_have_log_and_history, "INSERT INTO call_tasks (batch_id, source_row, phone, state)"
                                                " SELECT batch_id, 99, '13999999999', 'pushed' FROM call_tasks LIMIT 1"),
    (quality.nobody_is_called_twice, _BACKDATE.format(times=1)),
    (quality.nothing_is_stuck_in_pushing, "UPDATE call_tasks SET state = 'pushing', claimed_at = now() - interval '1 hour'"
                                          " WHERE source_row = 1"),
    (quality.no_call_is_unknown, "UPDATE call_tasks SET state = 'unknown' WHERE source_row = 1"),
    (quality.phones_are_unique_in_call_history, "INSERT INTO call_history SELECT '+86' || phone, first_called_at,"
                                                " last_called_at, 1, 1, 1 FROM call_history LIMIT 1"),
    (quality.history_agrees_with_log, "UPDATE call_history SET calls = 7"),
]  # fmt: skip


def findings(desk) -> dict[str, Finding]:
    today = days.today()
    with desk.engine.connect() as connection:
        day, history = fact_store.day_facts(connection, today), fact_store.history_facts(connection, today)
    groups: tuple[tuple[Any, tuple[Callable[[Any], Finding], ...]], ...] = (
        (day, (quality.phones_are_unique_in_batch, quality.cards_reconcile, quality.pushed_calls_have_log_and_history,
               quality.nobody_is_called_twice, quality.nothing_is_stuck_in_pushing, quality.no_call_is_unknown)),
        (history, (quality.history_agrees_with_log, quality.phones_are_unique_in_call_history)),
    )  # fmt: skip
    return {judge.__name__: judge(facts) for facts, judges in groups for judge in judges}


def all_passed(desk) -> bool:
    return all(finding.passed for finding in findings(desk).values())


@pytest.mark.parametrize(("judge", "spoil"), BAD)
def test_a_check_passes_on_good_data_and_fails_on_its_bad_datum(desk, judge, spoil):
    desk.work_orders([phone(1), phone(2), phone(1)])
    desk.task()
    desk.run()
    assert all_passed(desk)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(spoil)
    finding = findings(desk)[judge.__name__]
    assert not finding.passed
    assert finding.examples
    assert finding.numbers["found"] >= 1
    assert "13800000" not in " ".join(finding.examples)


def test_a_call_beyond_a_rolling_cap_is_found_even_when_numbers_may_be_called_again(desk):
    desk.work_orders([phone(1)])
    desk.task(recall_days=0, policy={"hours": None, "rolling": [[3, "5m"]]})
    desk.run()
    assert all_passed(desk)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(_BACKDATE.format(times=3))
    assert not findings(desk)["nobody_is_called_twice"].passed


def test_facts_and_findings_are_of_their_day(desk):
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    desk.run()
    yesterday = days.today() - dt.timedelta(days=1)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM call_tasks WHERE source_row = 1")
        connection.exec_driver_sql("UPDATE call_tasks SET state = 'unknown' WHERE source_row = 2")
        today, before = (fact_store.day_facts(connection, day) for day in (days.today(), yesterday))
    assert [today.day, before.day] == [days.today(), yesterday]
    for judge in (quality.cards_reconcile, quality.no_call_is_unknown):
        assert [judge(facts).passed for facts in (today, before)] == [False, True]
