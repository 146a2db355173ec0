"""The incident this room exists for, as a test."""

import pytest
import sqlalchemy as sa

from calling_pipeline_tests.call_batches.desk import phone


def test_the_incident_of_the_number_that_stood_in_the_table_several_times(desk):
    """A work-order table held one mobile several times, in several spellings. The old system pushed each row to the
    gateway; its write-back then hit the primary key of the call history, the transaction rolled back, and the logs of calls
    already made were gone: people were called twice by a system that did not know.
    """
    often = phone(1)
    desk.work_orders([often, f"+86 {often}", f"{often[:3]}-{often[3:7]}-{often[7:]}", phone(2), f"{often}.0", phone(3)],
                     orders=[1, 5, 2, 1, 1, 1])  # fmt: skip
    desk.task()
    first = desk.run()

    assert first.state == "completed"
    assert sorted(call["phone"] for call in desk.gateway_calls()) == [phone(1), phone(2), phone(3)]
    assert desk.one("SELECT count(*) FROM call_log WHERE outcome = 'pushed'") == 3
    assert desk.one("SELECT count(*) FROM call_history") == 3
    winner = next(call for call in desk.gateway_calls() if call["phone"] == often)
    assert winner["busi_params"]["order_nums"] == 5, "the row with the most orders speaks for the number"
    assert desk.reconciliation(first)["left_out"] == {"duplicate": 3}

    again = desk.run()
    assert (again.card.to_call, again.state) == (0, "completed")
    assert {line.reason: line.rows for line in again.card.left_out} == {"duplicate": 3, "called_before": 3}
    desk.judge()


def test_an_upsert_of_one_phone_twice_in_a_statement_fails_in_postgresql_as_the_plain_insert_did(desk):
    """Why the plan de-duplicates before any upsert: `ON CONFLICT DO UPDATE` is no remedy for duplicates in one statement."""
    twice = sa.text("""INSERT INTO call_history
        SELECT '13800000001', now(), now(), 1, 1, 1 FROM generate_series(1, 2)
        ON CONFLICT (phone) DO UPDATE SET calls = call_history.calls + 1""")
    with desk.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="cannot affect row a second time"):
        connection.execute(twice)
