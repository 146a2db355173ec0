"""Each check passes on good data and fails on the bad datum it exists for."""

import pytest

from calling_pipeline import days
from calling_pipeline.call_batches import quality
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


def findings(desk) -> dict[str, bool]:
    judges = {judge.__name__: judge for judge, _ in BAD}
    with desk.engine.connect() as connection:
        return {name: judge(connection, days.today(), days.today()).passed for name, judge in judges.items()}


@pytest.mark.parametrize(("judge", "spoil"), BAD)
def test_a_check_passes_on_good_data_and_fails_on_its_bad_datum(desk, judge, spoil):
    desk.work_orders([phone(1), phone(2), phone(1)])
    desk.task()
    desk.run()
    assert all(findings(desk).values())
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(spoil)
    assert findings(desk)[judge.__name__] is False
    with desk.engine.connect() as connection:
        finding = judge(connection, days.today(), days.today())
    assert finding.examples
    assert "13800000" not in " ".join(finding.examples)


def test_a_call_beyond_a_rolling_cap_is_found_even_when_numbers_may_be_called_again(desk):
    desk.work_orders([phone(1)])
    desk.task(recall_days=0, policy={"hours": None, "rolling": [[3, "5m"]]})
    desk.run()
    assert all(findings(desk).values())
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(_BACKDATE.format(times=3))
    assert findings(desk)["nobody_is_called_twice"] is False
