"""Redial rules on the pages of the batches: the form with its preview, the batch, the rows, why a number waits."""

from __future__ import annotations

import pytest

from calling_pipeline.call_batches.calling_tasks.redials.rules import rules_from
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.call_batches.test_redials import ended
from calling_pipeline_tests.console.batches import desk_of
from calling_pipeline_tests.console.test_batches import figure, form_of

RULES = {"redial_not_connected_after": "4h", "redial_not_connected_at_most": "2", "redial_short_talk_after": "1d",
         "redial_short_talk_at_most": "1", "redial_short_talk_below": "10"}  # fmt: skip


@pytest.fixture
def console_runtime(console_runtime):
    needed = {"gateway_event_code": "event", "gateway_target_obj_id": "target", "gateway_rate_per_s": 5000}
    made = Runtime(console_runtime.settings.model_copy(update=needed))
    yield made
    made.close()


@pytest.fixture
def desk(console, simulator):
    return desk_of(console, simulator)


def test_rules_are_written_a_line_for_each_result_and_stand_in_the_form_again(desk, as_role):
    desk.work_orders([phone(1)])
    operator = as_role("operator")
    made = operator.post("/batches/tasks/new", data=form_of(**RULES, land_lines="true", row_key="staff"))
    assert made.status_code == 303
    task = desk.rows("SELECT redial, land_lines, row_key FROM calling_tasks")[0]
    assert rules_from(task.redial) == rules_from(
        ["not_connected,after=4h,at-most=2", "short_talk,below=10s,after=1d,at-most=1"]
    )
    assert (task.land_lines, task.row_key) == (True, "staff")
    page = operator.get(made.headers["location"]).text
    assert 'name="redial_not_connected_after" value="4h"' in page
    assert 'name="redial_short_talk_below" value="10"' in page
    assert 'name="land_lines" value="true" checked' in page
    operator.post(made.headers["location"], data=form_of())
    assert tuple(desk.rows("SELECT redial, land_lines, row_key FROM calling_tasks")[0]) == ([], False, None)
    for wrong in ({"redial_busy_after": "4h"}, {"redial_busy_after": "four", "redial_busy_at_most": "1"},
                  {"redial_busy_after": "<script>", "redial_busy_at_most": "1"},
                  {"redial_short_talk_after": "4h", "redial_short_talk_at_most": "1"}):  # fmt: skip
        refused = operator.post(made.headers["location"], data=form_of(**wrong))
        assert refused.status_code == 422, wrong
        assert "<script>alert" not in refused.text


def test_the_preview_shows_what_a_rule_would_change_before_it_is_saved(desk, as_role):
    desk.work_orders([phone(1), phone(2)])
    task = desk.task()
    desk.run()
    ended(desk, phone(1), "not_connected")
    with desk.engine.begin() as connection:
        for moved in ("call_history SET last_called_at", "contact_attempts SET at", "call_results SET called_at"):
            connection.exec_driver_sql(f"UPDATE {moved} = now() - interval '5 hours'")
    operator = as_role("operator")
    form = form_of(task_id=str(task.id), with_card="true")
    assert figure(operator.post("/batches/tasks/draft", data=form), "to-call") == "0"
    shown = operator.post("/batches/tasks/draft", data={**form, **RULES})
    assert figure(shown, "redials-not_connected") == "1"
    assert figure(shown, "reason-redial_waiting") == "1"
    operator.post(f"/batches/tasks/{task.id}", data=form_of(name="new orders", **RULES))
    batch = desk.plan()
    page = operator.get(f"/batches/{batch.id}")
    assert figure(page, "redials-not_connected") == "1"
    assert "最多重拨 2 次" in page.text
    rows = operator.get(f"/batches/{batch.id}/rows").text
    assert "上次未接通" in rows
    why = operator.post("/batches/why", data={"phone": phone(1)}).text
    assert "现在可以重拨" in why
    assert "等该次结果后才可重拨" in operator.post("/batches/why", data={"phone": phone(2)}).text
