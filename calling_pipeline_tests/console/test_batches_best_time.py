"""The best time to call in the form of a calling task, and what people see when it switched itself off."""

from __future__ import annotations

import pytest

from calling_pipeline.analysis.best_time.learning import learn
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.console.batches import desk_of
from calling_pipeline_tests.console.test_batches import form_of


@pytest.fixture
def console_runtime(console_runtime):
    needed = {"gateway_event_code": "event", "gateway_target_obj_id": "target", "gateway_rate_per_s": 5000}
    made = Runtime(console_runtime.settings.model_copy(update=needed))
    yield made
    made.close()


@pytest.fixture
def desk(console, simulator):
    return desk_of(console, simulator)


def test_it_is_switched_on_and_off_in_the_form_and_leads_to_what_was_learned(desk, as_role):
    desk.work_orders([phone(1)])
    operator = as_role("operator")
    new = operator.get("/batches/tasks/new").text
    assert 'name="best_time_explore" type="text" value="20"' in new
    assert 'data-testid="best-time-page"' not in new
    made = operator.post("/batches/tasks/new", data=form_of(best_time_goal="ordered", best_time_explore="7"))
    assert made.status_code == 303
    assert desk.one("SELECT best_time FROM calling_tasks") == {"goal": "ordered", "explore": 0.07}
    page = operator.get(made.headers["location"]).text
    assert '<option value="ordered" selected>' in page
    assert 'name="best_time_explore" type="text" value="7"' in page
    assert 'href="/analysis/best_time?task=orders"' in page
    operator.post(made.headers["location"], data=form_of(best_time_goal="connected", best_time_explore=""))
    assert desk.one("SELECT best_time FROM calling_tasks") == {"goal": "connected", "explore": 0.2}
    operator.post(made.headers["location"], data=form_of(best_time_goal="", best_time_explore="20"))
    assert desk.one("SELECT best_time FROM calling_tasks") is None


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"best_time_goal": "sold", "best_time_explore": "20"}, "最佳拨打时间的目标只能是"),
        ({"best_time_goal": "connected", "best_time_explore": "1"}, "最佳拨打时间的随机占比须在"),
        ({"best_time_goal": "connected", "best_time_explore": "nan"}, "最佳拨打时间的随机占比须在"),
        ({"best_time_goal": "connected", "best_time_explore": "<script>alert(1)"}, "最佳拨打时间的随机占比是百分数"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(desk, as_role, wrong, why):
    desk.work_orders([phone(1)])
    refused = as_role("operator").post("/batches/tasks/new", data=form_of(**wrong))
    assert refused.status_code == 422
    assert why in refused.text
    assert "<script>alert" not in refused.text


def test_that_it_switched_itself_off_stands_on_today_and_in_the_task_until_a_person_decides(desk, as_role):
    desk.work_orders([phone(1)])
    operator = as_role("operator")
    page = operator.post("/batches/tasks/new", data=form_of(best_time_goal="connected")).headers["location"]
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE best_time_states SET since = since - 30")
        [learned] = learn(connection)
    assert learned.off
    shown = operator.get(page).text
    assert 'data-testid="best-time-off"' in shown
    assert "28 天内未证明更好：提升无法测出（按时段排序 0 个，随机时段 0 个呼叫）" in shown
    today = operator.get("/").text
    assert "未达标：外呼任务 orders 的最佳拨打时间无需决定" in today
    assert "该任务已恢复按名单顺序拨打" in today
    [number] = desk.rows("SELECT id FROM alert_conditions WHERE name LIKE 'best_time_off:%%'")
    alert = operator.get(f"/alerts/{number.id}").text
    assert f'href="{page}"' in alert
    assert "已自动关闭：28 天内未证明更好" in alert
    assert "28 天内未证明更好：提升无法测出" in operator.get("/analysis/best_time?task=orders").text
    operator.post(page, data=form_of(best_time_goal=""))
    assert "最佳拨打时间无需决定" not in operator.get("/").text
    assert "已由人决定：不开启" in operator.get(f"/alerts/{number.id}").text
