"""Land lines where a task calls them, and the source's own key of a row."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.call_stats.sync import staging
from calling_pipeline.contact_policy import do_not_call
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import phone_hash
from calling_pipeline_tests.call_batches.desk import phone

CANTON = "+862088886666"
SPELLINGS = ["020-88886666", "(020) 8888 6666", "+86 20 88886666", "86-20-88886666"]


def reasons(card) -> dict[str, int]:
    return {line.reason: line.rows for line in card.left_out}


def test_a_task_calls_land_lines_in_one_spelling_from_plan_to_history(desk):
    desk.work_orders([*SPELLINGS, "010-12345678", "88886666", phone(1), "400-800-1234"])
    desk.task(land_lines=True, policy={"preset": "list_only"})
    with desk.engine.begin() as connection:
        do_not_call.add(connection, "01012345678", source="complaint")
    batch = desk.run()
    assert batch.card.to_call == 2
    assert reasons(batch.card) == {"service_number": 1, "area_code_missing": 1, "duplicate": 3, "do_not_call": 1}
    assert {call["phone"] for call in desk.gateway_calls()} == {CANTON, phone(1)}
    for table in ("call_log", "call_history", "contact_attempts"):
        assert {row.phone for row in desk.rows(f"SELECT phone FROM {table}")} == {CANTON, phone(1)}
    desk.judge()
    assert reasons(desk.plan().card)["called_before"] == 2


def test_a_record_of_a_land_line_has_the_hash_of_the_number_that_was_pushed():
    key = b"a key for tests that is long enough"
    kept = {staging._OddPhones(key)[spelling] for spelling in (*SPELLINGS, "02088886666", CANTON)}
    assert kept == {f"+86****6666\t\\\\x{phone_hash(key, CANTON).hex()}"}


def test_without_the_switch_no_land_line_is_called(desk):
    desk.work_orders([SPELLINGS[0], "88886666", phone(1)])
    desk.task()
    card = desk.plan().card
    assert (card.to_call, reasons(card)) == (1, {"land_line": 2})


def test_a_policy_without_land_lines_and_a_task_with_them_are_not_saved_together(desk):
    desk.work_orders([])
    mobiles = {"preset": "list_only", "number_kinds": ["mobile"]}
    with pytest.raises(InvalidInput, match="allows no land lines"):
        desk.task(land_lines=True, policy=mobiles)
    desk.task(land_lines=True)
    with pytest.raises(InvalidInput, match="allows no land lines"), desk.engine.begin() as connection:
        editing.edit(connection, "new orders", {"policy": mobiles})


def test_a_policy_that_was_changed_beside_the_forms_leaves_land_lines_out(desk):
    desk.work_orders([SPELLINGS[0], phone(1)])
    desk.task(land_lines=True)
    with desk.engine.begin() as connection:
        connection.execute(sa.text('UPDATE calling_tasks SET policy = \'{"number_kinds": ["mobile"]}\''))
    assert reasons(runs.preview_task(desk.engine, "new orders")) == {"land_line": 1}


def test_the_source_s_own_key_stays_with_each_row_called_or_not(desk):
    desk.work_orders([phone(1), "8888"])
    with desk.engine.begin() as connection:
        connection.execute(sa.text('ALTER TABLE crm.work_orders ADD "订单 100%" bigint GENERATED ALWAYS AS IDENTITY'))
    desk.task(row_key="订单 100%")
    batch = desk.plan()
    rows = desk.rows("SELECT state, row_key FROM call_tasks WHERE batch_id = :b ORDER BY source_row", b=batch.id)
    assert [tuple(row) for row in rows] == [("pending", "1"), ("skipped", "2")]
