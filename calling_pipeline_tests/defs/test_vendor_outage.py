"""A vendor that is away for minutes: the run asks again by itself. What will not change is not asked again."""

import threading

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.definitions import build
from calling_pipeline.defs import retries
from calling_pipeline.settings import Settings
from calling_pipeline_tests.notifications.world import ROBOTS, notification_runtime
from calling_pipeline_tests.support import LIMIT_S, wait_until
from calling_pipeline_tests.telephony.support import set_up

S = dg.DagsterEventType


@pytest.fixture
def outside(app_settings, simulator):
    """A runtime whose vendors are all in the simulator; from 08:00 on its technicians change, which needs a robot."""
    at_simulator = {"guanke_base_url": f"{simulator.url}/guanke", "allow_private_urls": True}
    robots = {**ROBOTS, "default": "key-default"}
    made = notification_runtime(app_settings.model_copy(update=at_simulator), simulator, wecom_robots=robots)
    set_up(made, simulator.url + "/infinity/api")
    yield made
    made.close()


class Run:
    """A run in a thread, so that the test acts while it waits."""

    def __init__(self, instance, runtime, job, **options):
        self.instance = instance
        definition = build(runtime).resolve_job_def(job)
        options |= {"instance": instance, "raise_on_error": False}
        self.thread = threading.Thread(target=lambda: self._keep(definition.execute_in_process(**options)))
        self.thread.start()

    def _keep(self, result):
        self.result = result

    def events(self, kind):
        runs = self.instance.get_runs(limit=1)
        return self.instance.all_logs(runs[0].run_id, of_type=kind) if runs else []

    def end(self):
        self.thread.join(LIMIT_S)
        assert not self.thread.is_alive()
        return self.result


JOBS = {
    "grade_stats_sync": ("/guanke", True),
    "task_stats_sync": ("/guanke", True),
    "communication_records_reconcile": ("/infinity", True),
    "technician_notifications_generate": ("/metabase", False),
}


@pytest.mark.parametrize("job", JOBS)
def test_an_outage_at_the_time_of_the_sync_repairs_itself(instance, outside, simulator, monkeypatch, job):
    """Two minutes without an answer at 07:05 left days uncorrected until the next morning: nothing asked again."""
    monkeypatch.setattr(retries, "VENDOR", retries.VENDOR._replace(delay=0.5, max_retries=7))  # two minutes to end it
    path, daily = JOBS[job]
    simulator.plant("status", path=path, times=None, status=503)
    run = Run(instance, outside, job, **({"partition_key": days.today().isoformat()} if daily else {}))
    wait_until(lambda: run.events(S.STEP_UP_FOR_RETRY) or not run.thread.is_alive())
    simulator.clear_faults()
    assert run.end().success
    assert run.events(S.STEP_RESTARTED)


def test_refused_credentials_are_not_tried_again(instance, outside, simulator):
    simulator.plant("status", path="/metabase", times=None, status=401)
    run = Run(instance, outside, "technician_notifications_generate")
    assert not run.end().success
    assert not run.events(S.STEP_UP_FOR_RETRY)


def test_the_pauses_outlast_a_two_minute_outage():
    policy = retries.VENDOR._replace(delay=Settings.model_fields["vendor_retry_delay_s"].default, jitter=None)
    pauses = [policy.calculate_delay(attempt) for attempt in range(1, policy.max_retries + 1)]
    assert pauses == [30, 90, 210]
    assert sum(pauses[:2]) - 2 * 30 < 120 < sum(pauses) - 3 * 30, "with the worst jitter the last attempt comes after it"
