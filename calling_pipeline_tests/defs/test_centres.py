"""Two centres in one Dagster, a code location and a database each: no name in common, each looks at its own runs only."""

import json
import os
import subprocess
import sys

import dagster as dg
import pytest

from calling_pipeline.addresses import ASSETS
from calling_pipeline.console.dagster_links import DagsterLinks
from calling_pipeline.definitions import build
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline_tests.conftest import temporary_database
from calling_pipeline_tests.defs.centre_process import look, names_of

CENTRE = "north"


def as_centre(what, **environment):
    program = [sys.executable, "-m", "calling_pipeline_tests.defs.centre_process", what]
    whole = {**os.environ, "CALLING_CENTRE": CENTRE, **environment}
    done = subprocess.run(program, env=whole, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_of_two_centres_no_name_is_the_same_and_without_a_centre_every_name_is_what_the_code_says():
    ours, theirs = names_of(build(Runtime(load()))), as_centre("names")
    for kind in ("assets", "materialized", "checks"):
        assert theirs[kind] == sorted(f"{CENTRE}/{name}" for name in ours[kind]), kind
    for kind in ("jobs", "schedules", "sensors", "pools"):
        assert theirs[kind] == sorted(f"{CENTRE}__{name}" for name in ours[kind]), kind
    for kind in ("locks", "classes"):
        assert theirs[kind] == sorted(f"{CENTRE}/{name}" for name in ours[kind]), kind
    assert (ours["centres"], theirs["centres"]) == ([""], [CENTRE])
    assert set(ours["materialized"]) == ASSETS, "the assets by which a run's centre is recognised"
    assert {"call_records", "call_batches"} < set(ours["assets"])
    assert {"grade_stats_sync", "housekeeping"} < set(ours["jobs"])
    assert ours["pools"] == ["gateway", "guanke", "infinity", "metabase", "wecom"]


def start(instance, centre, job, status):
    """A run as the code location of `centre` starts it."""
    name, tags = (f"{centre}__{job}", {"calling/centre": centre}) if centre else (job, {})

    @dg.op
    def work():
        """Nothing."""

    @dg.job(name=name, tags=tags)
    def made():
        work()

    run = instance.create_run_for_job(made, status=dg.DagsterRunStatus.STARTED, tags=made.tags)
    if status == "failed":
        instance.report_run_failed(run, f"the vendor of {centre or 'the first'} is away")
    return run


def judged_badly(instance, path, check):
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(path), check_name=check, passed=False, severity=dg.AssetCheckSeverity.ERROR, metadata={}
        )
    )


def test_alerts_reaper_and_housekeeping_of_a_centre_look_at_its_own_runs_only(own_instance, runtime, server_url, tmp_path):
    for centre in ("", CENTRE):
        start(own_instance, centre, "housekeeping" if centre else "task_usage_count", "failed")
        judged_badly(own_instance, [*filter(None, [centre]), "call_records"], f"check_{centre or 'first'}")
    start(own_instance, CENTRE, "notifications_deliver", "started")
    for url in temporary_database(server_url, "calling_template"):
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        theirs = as_centre("look", CALLING_DATABASE_URL=plain, CALLING_HOME=str(tmp_path / CENTRE))
    ours = look(own_instance, runtime)
    assert theirs["alerts"] == ["Failing: call_records: check north", "Failing: run of housekeeping"]
    assert ours["alerts"] == ["Failing: call_records: check first", "Failing: run of task_usage_count"]
    assert (ours["busy"], theirs["busy"]) == (False, True)
    assert (ours["pruned_runs"], theirs["pruned_runs"]) == (1, 1)


def test_what_dagster_starts_by_itself_is_tagged_with_its_centre_and_queued_beside_the_others(own_instance):
    def kept(path, **tags):
        run = dg.DagsterRun("__ASSET_JOB", asset_selection=frozenset([dg.AssetKey(path)]), tags=tags)
        own_instance.run_storage.add_run(run)
        return own_instance.get_run_by_id(run.run_id).tags

    assert kept([CENTRE, "call_records"])["calling/centre"] == CENTRE
    assert "calling/centre" not in kept(["call_records"])
    assert "calling/centre" not in kept(["marketing", "orders"]), "another project's asset is of no centre"
    backfill = {"dagster/backfill": "abc"}
    assert kept([CENTRE, "call_records"], **backfill)["calling/backfills"] == CENTRE
    assert kept(["call_records"], **backfill)["calling/backfills"] == "all"


def test_the_console_of_a_centre_leads_to_its_own_pages_of_dagster():
    links = DagsterLinks("https://d.test", CENTRE)
    assert links.asset("call_records") == "https://d.test/assets/north/call_records"
    assert links.job("housekeeping") == "https://d.test/locations/north/jobs/north__housekeeping"
    assert links.schedule("grade_stats_t10") == "https://d.test/locations/north/schedules/north__grade_stats_t10"
    assert links.runs("calling/task", "task-7").count("north") == 2
    plain = DagsterLinks("https://d.test")
    assert plain.job("housekeeping") == "https://d.test/locations/calling_pipeline/jobs/housekeeping"
    assert plain.runs("calling/batch", "17") == "https://d.test/runs?q[]=tag%3Acalling%2Fbatch%3D17"


@pytest.mark.parametrize("name", ["North", "a_b", "1st", "a-b", "a" * 21])
def test_a_centre_has_a_short_plain_name(name):
    with pytest.raises(ConfigurationError, match="CALLING_CENTRE"):
        load(centre=name)
