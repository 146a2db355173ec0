"""Against another gateway than the simulator of this machine no batch starts without event code and target object."""

import json

import httpx
import pytest
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.api.app import create_app
from calling_pipeline.call_batches.dependencies import gateway_refusal
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.cli.main import main
from calling_pipeline.errors import Conflict
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S

EMPTY = {"gateway_event_code": "", "gateway_target_obj_id": " "}
SAID = "CALLING_GATEWAY_EVENT_CODE and CALLING_GATEWAY_TARGET_OBJ_ID are empty"


@pytest.fixture
def bare(desk):
    desk.settings = desk.settings.model_copy(update=EMPTY)
    desk.work_orders([phone(1)])
    desk.task()
    return desk


def test_the_sentence_names_the_settings_that_are_empty(app_settings):
    def refusal(**changes):
        return gateway_refusal(app_settings.model_copy(update=changes))

    real = {"gateway_url": "https://gateway.example.com/push"}
    assert refusal() is None, "the simulator of this machine takes calls without"
    assert str(refusal(**real)).startswith(SAID)
    assert str(refusal(**real, gateway_event_code="e")).startswith("CALLING_GATEWAY_TARGET_OBJ_ID is empty")
    assert refusal(**real, gateway_event_code="e", gateway_target_obj_id="t") is None


def test_a_batch_is_paused_before_its_first_call_whichever_door_pushes_it(bare):
    batch = bare.plan()
    with pytest.raises(Conflict, match=SAID):
        bare.push(batch)
    assert bare.rows("SELECT state FROM call_batches") == [("paused",)]
    assert bare.one("SELECT count(*) FROM alert_conditions WHERE name = 'batch_stopped:1'") == 1
    assert bare.gateway_calls() == []


def test_a_tick_is_planned_but_its_batch_does_not_start(bare):
    with bare.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE calling_tasks SET cron = '* * * * *', ticks_from = now() - interval '3 hours'")
    said = []
    (batch,) = runs.run_day(bare.dependencies(), days.today(), say=said.append)
    assert batch.state == "paused"
    assert any(SAID in line for line in said)
    assert bare.gateway_calls() == []


def test_the_command_line_refuses_before_it_plans_and_the_card_says_so(bare, monkeypatch):
    monkeypatch.setenv("CALLING_DATABASE_URL", bare.settings.database_url.get_secret_value())
    monkeypatch.setenv("CALLING_GATEWAY_URL", bare.settings.gateway_url)
    monkeypatch.setenv("CALLING_SECRET_KEY", "a key for tests that is long enough")
    refused = CliRunner().invoke(main, ["calls", "run", "--task", "new orders"])
    assert refused.exit_code == 1
    assert SAID in refused.output
    assert bare.one("SELECT count(*) FROM call_batches") == 0
    card = CliRunner().invoke(main, ["calls", "preview", "--task", "new orders", "--json"])
    assert card.exit_code == 1
    document = json.loads(card.stdout)
    assert document["to_call"] == 1
    assert SAID in document["refusal"]


def test_the_card_over_http_says_so(bare):
    settings = bare.settings.model_copy(update={"api_tokens": {"op": TokenGrant(role="operator")}})
    with served(create_app(Runtime(settings))) as address, httpx.Client(base_url=address, timeout=LIMIT_S) as client:
        card = client.get("/api/v1/calls/tasks/new orders/preview", headers={"Authorization": "Bearer op"}).json()["data"]
    assert SAID in card["refusal"]
