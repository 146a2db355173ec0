"""The code location as a whole: what operators rely on is there, described, and nothing is opened to load it."""

import json
import subprocess
import sys

import dagster as dg
import pytest

from calling_pipeline.definitions import build
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load

SCHEDULES = {"task_stats_t10", "task_stats_t3", "task_stats_today", "grade_stats_t10", "grade_stats_t3", "grade_stats_today"}
SENSORS = {"cache_warm_up", "outside_heartbeat", "run_failure_alerts", "check_failure_alerts", "stale_cache_alerts"}
ASSETS = {
    "call_records",
    "grade_stats_cache",
    "task_stats_cache",
    "agent_ranking",
    "hourly_orders",
    "daily_history",
    "task_usage",
}


@pytest.fixture(scope="module")
def defs():
    return build(Runtime(load(source_url="https://git.example/calling_pipeline")))


def test_everything_loads_together(defs):
    dg.Definitions.validate_loadable(defs)


def test_the_names_that_stay_are_there_and_run_by_default(defs):
    schedules = {one.name: one for one in defs.schedules}
    sensors = {one.name: one for one in defs.sensors}
    assert schedules.keys() >= SCHEDULES
    assert sensors.keys() >= SENSORS
    for name in SCHEDULES:
        assert schedules[name].default_status == dg.DefaultScheduleStatus.RUNNING
        assert schedules[name].execution_timezone == "Asia/Shanghai"
    for name in SENSORS:
        assert sensors[name].default_status == dg.DefaultSensorStatus.RUNNING


def test_every_asset_is_described_owned_grouped_and_linked_to_its_code(defs):
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert specs.keys() >= ASSETS
    external = {key.to_user_string() for key in defs.resolve_asset_graph().external_asset_keys}
    for name, spec in specs.items():
        assert spec.description, name
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.group_name != "default", name
        assert spec.partitions_def is not None or name not in ASSETS, name
        if name in external:
            continue
        [reference] = spec.metadata["dagster/code_references"].code_references
        assert reference.url.startswith("https://git.example/calling_pipeline/"), name


def test_the_code_location_opens_no_connection_when_it_loads(tmp_path):
    program = (
        "import socket\n"
        "def refuse(*args): raise AssertionError('a connection was opened')\n"
        "socket.socket.connect = refuse\n"
        "import calling_pipeline.definitions as d; assert d.defs.assets\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / ".calling").exists(), "loading started a server or wrote a key"


def test_every_check_is_described_and_a_check_of_a_daily_asset_is_evaluated_by_day_unless_it_has_no_day(defs):
    partitioned = {spec.key: spec.partitions_def is not None for spec in defs.resolve_all_asset_specs()}
    groups = [*defs.asset_checks, *(one for one in defs.assets if isinstance(one, dg.AssetsDefinition))]
    specs = [spec for group in groups for spec in group.check_specs]
    assert len(specs) > 20
    for spec in specs:
        assert spec.description.endswith("."), spec.key
    standing = {spec.name for spec in specs if spec.partitions_def is None and partitioned[spec.asset_key]}
    assert standing == {
        "task_ids_are_unique",
        "charges_equal_completed_paid_tasks",
        "lines_of_a_contract_agree",
        "one_open_task_per_contract_and_kind",
        "y_exactly_where_all_delivered",
        "nothing_is_pending_too_long",
    }


def test_loading_says_nothing_on_standard_error(tmp_path):
    program = "import calling_pipeline.definitions as d; d.defs.get_repository_def().load_all_definitions()"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_every_job_schedule_and_sensor_says_what_it_does(defs):
    jobs = [defs.resolve_job_def(job.name) for job in defs.jobs]
    for thing in (*jobs, *defs.schedules, *defs.sensors):
        assert thing.description, thing.name
        assert thing.description.endswith("."), f"{thing.name}: {thing.description}"


def test_the_code_location_loads_nothing_that_a_run_can_do_without_and_leaves_the_collector_as_it_was(tmp_path):
    """Each run imports it anew."""
    look = (
        "import gc, json, sys; usual = gc.get_threshold(); import calling_pipeline.definitions;"
        "print(json.dumps([sorted(sys.modules), gc.get_threshold() == usual, gc.isenabled(), gc.get_freeze_count() > 0]))"
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded, *collector = json.loads(done.stdout)
    assert {"alembic", "apprise", "fastapi", "pandas", "phonenumbers", "uvicorn"}.isdisjoint(loaded)
    assert collector == [True, True, True]


def test_jobs_and_schedules_are_named_by_one_pattern_and_described(defs):
    verbs = {
        "sync",
        "update",
        "run",
        "generate",
        "deliver",
        "check",
        "reconcile",
        "count",
        "fetch",
        "housekeeping",
        "export",
    }
    windows = {"t10", "t3", "today", "recent", "nightly"}
    named = {"jobs": defs.jobs, "schedules": defs.schedules}
    words = {kind: {one.name.rpartition("_")[2] for one in found or ()} for kind, found in named.items()}
    assert words["jobs"] - verbs == set()
    assert words["schedules"] - windows == set()
    assert [one.name for found in named.values() for one in found or () if not one.description] == []
