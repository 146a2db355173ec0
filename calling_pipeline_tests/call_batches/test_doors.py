"""The three doors: command line, HTTP API and Dagster do the same to the same tables."""

import datetime as dt
import json
from typing import Any

import dagster as dg
import httpx
import pytest
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.api.app import create_app
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.cli.main import main
from calling_pipeline.definitions import build
from calling_pipeline.defs.call_batches.sensors import resume_requests, tick_requests
from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.call_batches.desk import ALL_DAY, MAPPING, phone
from calling_pipeline_tests.dagster_support import check_rows, instance_on
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S

MAPPED = ["--schema", "crm", "--table", "work_orders", "--mobile-phone", "mobile", "--staff-name", "staff",
          "--map", "sys_name=system", "--order-type", "kind", "--order-nums", "orders"]  # fmt: skip


@pytest.fixture
def run(desk, monkeypatch):
    """The command line on the desk's database and gateway; answers its JSON document."""
    monkeypatch.setenv("CALLING_DATABASE_URL", desk.settings.database_url.get_secret_value())
    monkeypatch.setenv("CALLING_GATEWAY_URL", desk.settings.gateway_url)
    monkeypatch.setenv("CALLING_GATEWAY_EVENT_CODE", "event")
    monkeypatch.setenv("CALLING_GATEWAY_TARGET_OBJ_ID", "target")
    monkeypatch.setenv("CALLING_GATEWAY_RATE_PER_S", "5000")
    monkeypatch.setenv("CALLING_GATEWAY_TIMEOUT_S", str(LIMIT_S))
    monkeypatch.setenv("CALLING_SECRET_KEY", "a key for tests that is long enough")

    def act(*words: str, code: int = 0):
        answer = CliRunner().invoke(main, [*words, "--json"])
        assert answer.exit_code == code, answer.output
        assert "13800000" not in answer.output, "a full number on the command line"
        return json.loads(answer.stdout)

    return act


@pytest.fixture
def daily_runtime(desk):
    made = Runtime(desk.settings)
    yield made
    made.close()


def test_a_task_is_added_previewed_run_and_proved_by_the_command_line(run, desk):
    desk.work_orders([phone(1), phone(2), phone(1), "010-12345678", "138****0000", None])
    added = run("calls", "task", "add", "new orders", "--cron", "0 0 9 * * ?", *MAPPED, "--policy", json.dumps(ALL_DAY))
    assert len(added["next_ticks"]) == 5
    card = run("calls", "preview", "--task", "new orders")
    assert (card["source_rows"], card["to_call"]) == (6, 2)
    assert {line["reason"]: line["rows"] for line in card["left_out"]} == {
        "blank": 1, "masked": 1, "land_line": 1, "duplicate": 1,
    }  # fmt: skip
    assert run("calls", "run", "--task", "new orders", "--dry-run") == card
    assert run("calls", "batches") == []
    assert desk.gateway_calls() == []

    done = run("calls", "run", "--task", "new orders")
    assert (done["state"], done["outcome"]) == ("completed", {"pushed": 2, "skipped": 4})
    assert done["reconciliation"]["difference"] == 0
    assert run("calls", "batches")[0]["batch_id"] == done["batch_id"]
    assert run("calls", "batches", str(done["batch_id"]))["state"] == "completed"
    assert run("ledger", "show", f"batch:{done['batch_id']}")["state"] == "completed"
    noted = desk.one("SELECT array_agg(DISTINCT asset ORDER BY asset) FROM asset_activity WHERE day IS NOT NULL")
    assert noted == ["call_batches", "call_history"]
    desk.judge()


def test_editing_shows_the_next_five_ticks_and_fires_nothing(run, desk):
    days.set_clock(lambda: dt.datetime(2026, 11, 23, 10, 2, tzinfo=days.SHANGHAI))  # no tick falls into the test
    desk.work_orders([phone(1)])
    run("calls", "task", "add", "orders", "--cron", "0 9 * * *", *MAPPED)
    edited = run("calls", "task", "edit", "orders", "--cron", "*/5 * * * *", "--recall-days", "30", "--rate", "7.5")
    assert (edited["recall_days"], edited["rate_per_s"], len(edited["next_ticks"])) == (30, 7.5, 5)
    with desk.engine.connect() as connection:
        from calling_pipeline.call_batches.pushing.runs import due_ticks

        assert due_ticks(connection, days.now()) == []
    assert run("calls", "task", "disable", "orders")["next_ticks"] == []
    assert run("calls", "task", "enable", "orders")["enabled"] is True
    assert [task["name"] for task in run("calls", "task", "list")] == ["orders"]
    assert run("calls", "task", "remove", "orders") == {"removed": "orders"}
    assert "there are: none yet" in run("calls", "task", "show", "orders", code=1)["error"]


def test_outside_the_calling_hours_a_batch_waits_and_does_not_fail(run, desk):
    desk.work_orders([phone(1)])
    now = days.now()
    far = now + dt.timedelta(hours=12)
    desk.task(policy={"preset": "carrier", "hours": f"{far:%H}:00-{far:%H}:59"})
    batch = run("calls", "run", "--task", "new orders")
    assert (batch["state"], batch["note"]) == ("waiting", "outside the calling hours")
    assert dt.datetime.fromisoformat(batch["resume_at"]) > now
    assert batch["outcome"] == {"pending": 1}
    assert desk.gateway_calls() == []
    cancelled = run("calls", "cancel", str(batch["batch_id"]))
    assert (cancelled["state"], cancelled["reconciliation"]["left_out"]) == ("cancelled", {"cancelled": 1})
    assert "cannot go on" in run("calls", "resume", str(batch["batch_id"]), code=1)["error"]


def test_a_gateway_that_refuses_our_key_pauses_the_batch_and_says_so(run, desk, simulator):
    desk.work_orders([phone(n) for n in range(5)])
    desk.task()
    simulator.plant("status", path="/gateway", times=None, status=401)
    batch = run("calls", "run", "--task", "new orders", code=1)
    assert batch["state"] == "paused"
    assert "credentials" in batch["note"]
    assert batch["outcome"] == {"pending": 5}
    assert desk.one("SELECT count(*) FROM alerts") == 1
    simulator.clear_faults()
    assert run("calls", "resume", str(batch["batch_id"]))["outcome"] == {"pushed": 5}
    desk.judge()


def test_an_unknown_call_is_shown_masked_alerted_and_settled(run, desk, simulator):
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    simulator.plant("status", path="/gateway", status=502, after=True, times=1)
    batch = run("calls", "run", "--task", "new orders")
    assert batch["outcome"] == {"pushed": 1, "unknown": 1}
    (unknown,) = batch["unknown_calls"]
    assert unknown["phone"].startswith("138****")
    assert desk.one("SELECT count(*) FROM alerts WHERE severity = 'warning'") == 1
    settled = run("calls", "settle", str(unknown["call_id"]), "--as", "pushed", "--note", "in the gateway's list")
    assert settled["settled"] == 1
    assert run("calls", "batches", str(batch["batch_id"]))["outcome"] == {"pushed": 2}
    assert (
        "no unknown call fits" in run("calls", "settle", "--batch", str(batch["batch_id"]), "--as", "retry", code=1)["error"]
    )
    desk.judge()


def test_a_run_over_http_is_a_dry_run_until_it_names_the_number_that_was_shown(desk, daily_runtime):
    desk.work_orders([phone(1), phone(2), None])
    desk.task()
    grants = {"key": TokenGrant(role="operator", name="li")}
    runtime = Runtime(desk.settings.model_copy(update={"api_tokens": grants}))
    key = {"Authorization": "Bearer key"}
    with served(create_app(runtime)) as url, httpx.Client(base_url=url, headers=key, timeout=LIMIT_S) as client:
        path = "/api/v1/calls/tasks/new orders/run"
        card = client.post(path, json={}).json()["data"]
        assert (card["to_call"], card["dry_run"]) == (2, True)
        assert client.post(path, json={"dry_run": False}).status_code == 422
        assert client.post(path, json={"dry_run": False, "to_call": 3}).status_code == 409
        assert desk.rows("SELECT 1 FROM call_batches") == []
        made = client.post(path, json={"dry_run": False, "to_call": 2, "reason": "campaign"}).json()["data"]
    assert (made["state"], made["to_call"]) == ("waiting", 2)
    assert desk.gateway_calls() == []
    (request,) = resume_requests(daily_runtime, days.today())
    assert request.tags["calling/batch"] == str(made["batch_id"])
    assert runs.push(desk.dependencies(), made["batch_id"]).state == "completed"
    assert resume_requests(daily_runtime, days.today()) == []
    desk.judge()


def test_wrong_usage_exits_two(run):
    assert CliRunner().invoke(main, ["calls", "pause"]).exit_code == 2
    assert CliRunner().invoke(main, ["calls", "run"]).exit_code == 2


def test_the_api_does_the_same_and_asks_for_roles(desk):

    grants = {"op": TokenGrant(role="operator"), "view": TokenGrant(role="viewer")}
    settings = desk.settings.model_copy(update={"api_tokens": grants})
    desk.work_orders([phone(1), phone(2), "8888"])
    operator, viewer = {"Authorization": "Bearer op"}, {"Authorization": "Bearer view"}
    with served(create_app(Runtime(settings))) as address, httpx.Client(base_url=address, timeout=LIMIT_S) as client:
        wish = {"name": "orders", "cron": "0 9 * * *", **MAPPING, "policy": ALL_DAY}
        assert client.post("/api/v1/calls/tasks", json=wish, headers=viewer).status_code == 403
        assert client.post("/api/v1/calls/tasks", json=wish, headers=operator).status_code == 201
        wrong = client.post("/api/v1/calls/tasks", json={**wish, "name": "x", "source_table": "nope"}, headers=operator)
        assert (wrong.status_code, wrong.json()["field"]) == (422, "source_table")
        assert "work_orders" in wrong.json()["error"]
        card = client.get("/api/v1/calls/tasks/orders/preview", headers=operator).json()["data"]
        assert (card["source_rows"], card["to_call"]) == (3, 2)
        edited = client.patch("/api/v1/calls/tasks/orders", json={"recall_days": 3}, headers=operator).json()["data"]
        assert (edited["recall_days"], len(edited["next_ticks"])) == (3, 5)
        batch = desk.plan("orders")
        path = f"/api/v1/calls/batches/{batch.id}"
        assert client.post(f"{path}/pause", headers=operator).json()["data"]["state"] == "paused"
        assert client.post(f"{path}/resume", headers=operator).json()["data"]["state"] == "waiting"
        assert client.post(f"{path}/cancel", headers=operator).json()["data"]["outcome"] == {"skipped": 3}
        assert client.get(path, headers=viewer).json()["data"]["reconciliation"]["difference"] == 0
        assert client.post(f"{path}/settle", json={"settle_as": "retry"}, headers=operator).status_code == 404
        assert client.get("/api/v1/calls/batches", headers=viewer).json()["data"][0]["batch_id"] == batch.id
        assert client.delete("/api/v1/calls/tasks/orders", headers=operator).status_code == 409
        assert client.get("/api/v1/calls/batches/999", headers=viewer).status_code == 404


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


@pytest.fixture
def own_storage(dagster_database_url, tmp_path):
    with instance_on(dagster_database_url, tmp_path) as made:
        yield made


def materialize(runtime: Runtime, day: str | None, *, dry_run: bool = False, **config) -> dg.ExecuteInProcessResult:
    job = build(runtime).resolve_job_def("call_batches_run")
    chosen = {"dry_run": dry_run, **config}
    return job.execute_in_process(partition_key=day, run_config={"ops": {"call_batches": {"config": chosen}}})


def due_task(desk, tick: dt.datetime, **values) -> None:
    desk.task(cron=f"{tick.minute} {tick.hour} * * *", **values)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE calling_tasks SET ticks_from = now() - interval '3 days'")


def test_the_asset_plans_the_due_tick_pushes_it_and_never_calls_again_on_a_rerun(desk, daily_runtime):
    now = dt.datetime.now(days.SHANGHAI)
    desk.work_orders([phone(n) for n in range(20)] + [phone(3), "0755-12345678"])
    due_task(desk, now - dt.timedelta(minutes=1))
    today = days.today().isoformat()

    first = materialize(daily_runtime, today)
    assert first.success
    assert len(desk.gateway_calls()) == 20
    passed = {check.check_name: check.passed for check in first.get_asset_check_evaluations()}
    assert len(passed) == 8
    assert all(passed.values()), passed
    event = next(e for e in first.get_asset_materialization_events() if e.asset_key.to_user_string() == "call_batches")
    metadata: Any = event.step_materialization_data.materialization.metadata
    assert metadata["calls_made"].value == 20
    lines = {record.data["line"]: record.data["rows"] for record in metadata["pre_flight_card"].records}
    assert (lines["source rows"], lines["to call"]) == (22, 20)

    again = materialize(daily_runtime, today)
    assert again.success
    assert len(desk.gateway_calls()) == 20
    assert desk.one("SELECT count(*) FROM call_batches") == 1, "one tick, one batch"
    desk.judge()


def test_a_backfill_of_a_past_day_plans_nothing_new(desk, daily_runtime):
    desk.work_orders([phone(1)])
    due_task(desk, dt.datetime.now(days.SHANGHAI) - dt.timedelta(minutes=1))
    yesterday = (days.today() - dt.timedelta(days=1)).isoformat()
    assert materialize(daily_runtime, yesterday).success
    assert desk.gateway_calls() == []
    assert desk.one("SELECT count(*) FROM call_batches") == 0


def test_a_dry_run_shows_cards_and_calls_nobody(desk, daily_runtime):
    desk.work_orders([phone(1)])
    due_task(desk, dt.datetime.now(days.SHANGHAI) - dt.timedelta(minutes=1))
    result = materialize(daily_runtime, days.today().isoformat(), dry_run=True, tasks=["new orders"])
    assert result.success
    assert desk.one("SELECT count(*) FROM call_batches") == 0
    assert desk.gateway_calls() == []
    (seen,) = result.get_asset_observation_events()
    assert "1 to call" in seen.asset_observation_data.asset_observation.metadata["cards"].value
    assert not result.get_asset_materialization_events(), "a day on which nobody was called is not green"


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_task_that_is_not_known_is_named_with_those_that_are(desk, daily_runtime, dry_run):
    """A name misspelt in the launchpad called nobody and the run was green."""
    desk.work_orders([phone(1)])
    desk.task()
    job = build(daily_runtime).resolve_job_def("call_batches_run")
    config = {"ops": {"call_batches": {"config": {"dry_run": dry_run, "tasks": ["new order"]}}}}
    done = job.execute_in_process(partition_key=days.today().isoformat(), run_config=config, raise_on_error=False)
    assert not done.success
    said = done.failure_data_for_node("call_batches").user_failure_data.description
    assert said == "no calling task is named new order; there are: new orders"
    assert desk.gateway_calls() == []


def test_a_dry_run_leaves_no_check_planned(desk, daily_runtime, own_storage):
    desk.work_orders([phone(1)])
    desk.task()
    job, chosen = build(daily_runtime).resolve_job_def("call_batches_run"), {"dry_run": True}
    config = {"ops": {"call_batches": {"config": chosen}}}
    assert job.execute_in_process(partition_key=days.today().isoformat(), run_config=config, instance=own_storage).success
    assert not check_rows(own_storage)


def test_a_launch_by_hand_is_a_dry_run_unless_it_says_otherwise(desk, daily_runtime):
    desk.work_orders([phone(1)])
    due_task(desk, dt.datetime.now(days.SHANGHAI) - dt.timedelta(minutes=1))
    job = build(daily_runtime).resolve_job_def("call_batches_run")
    assert job.execute_in_process(partition_key=days.today().isoformat()).success
    assert desk.gateway_calls() == []
    assert desk.one("SELECT count(*) FROM call_batches") == 0
    (request,) = tick_requests(daily_runtime)
    assert job.execute_in_process(partition_key=request.partition_key, run_config=request.run_config).success
    assert len(desk.gateway_calls()) == 1


def test_the_sensor_asks_once_for_a_due_tick_and_not_for_one_that_has_its_batch(desk, daily_runtime, instance):
    desk.work_orders([phone(1)])
    due_task(desk, dt.datetime.now(days.SHANGHAI) - dt.timedelta(minutes=1))
    (request,) = tick_requests(daily_runtime)
    assert request.partition_key == days.today().isoformat()
    repository = build(daily_runtime).get_repository_def()
    sensor = repository.get_sensor_def("calling_tasks")
    with dg.build_sensor_context(
        instance=instance, repository_def=repository, resources={"runtime": daily_runtime}
    ) as context:
        tick = sensor.evaluate_tick(context)
        assert [wanted.run_key for wanted in tick.run_requests] == [request.run_key]
        under_way = dg.DagsterRun("call_batches_run", tags=request.tags, status=dg.DagsterRunStatus.STARTED)
        instance.run_storage.add_run(under_way)
        waits = sensor.evaluate_tick(context)
    assert not waits.run_requests, "the task's last batch is slow: its next tick must not queue a second run"
    assert under_way.run_id[:8] in waits.skip_message
    assert tick_requests(daily_runtime)[0].run_key == request.run_key
    assert materialize(daily_runtime, request.partition_key, tasks=["new orders"]).success
    assert tick_requests(daily_runtime) == []


def test_a_missed_tick_is_made_up_for_once_and_only_inside_the_calling_hours(desk, daily_runtime):
    desk.work_orders([phone(1)])
    noon = dt.datetime(2026, 11, 23, 12, 0, tzinfo=days.SHANGHAI)
    desk.task(cron="0 6,7,8 * * *", policy={"hours": "09:00-20:00"})
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE calling_tasks SET ticks_from = '2026-11-20'")
    with days.frozen(noon.replace(hour=8, minute=30)):
        assert tick_requests(daily_runtime) == [], "missed, and the hours are closed"
    with days.frozen(noon):
        assert [r.run_key.split(":", 2)[2] for r in tick_requests(daily_runtime)] == ["2026-11-23T08:00:00+08:00"]
    with days.frozen(noon + dt.timedelta(days=2)), desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE calling_tasks SET enabled = false")
    with days.frozen(noon + dt.timedelta(days=2)):
        assert tick_requests(daily_runtime) == []


def test_the_sensor_revives_a_waiting_batch_when_its_hour_has_come_and_a_dead_one_once(desk, daily_runtime):
    desk.work_orders([phone(1)])
    desk.task()
    batch = desk.plan()
    first_day = daily_partitions(dt.date(2026, 1, 1)).start.date()
    assert resume_requests(daily_runtime, first_day) == [], "just planned: its process still has it"
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE call_batches SET state = 'waiting', resume_at = now() + interval '1 hour'")
    assert resume_requests(daily_runtime, first_day) == []
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE call_batches SET resume_at = now() - interval '1 second'")
    (request,) = resume_requests(daily_runtime, first_day)
    assert (request.partition_key, request.tags["calling/batch"]) == (batch.day.isoformat(), str(batch.id))
    assert materialize(daily_runtime, request.partition_key, tasks=["new orders"]).success
    assert resume_requests(daily_runtime, first_day) == []
    assert len(desk.gateway_calls()) == 1
