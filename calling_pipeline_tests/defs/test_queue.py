"""The queue of `dagster.yaml`, judged by Dagster's own dequeuing on a real instance: no day's sync waits for a batch."""

import datetime as dt

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from calling_pipeline import days
from calling_pipeline.call_stats.timetable import TIMETABLE
from calling_pipeline.definitions import build
from calling_pipeline.defs.call_stats.schedules import run_request

POOLS = {
    "call_records": "guanke",
    "task_stats_cache": "guanke",
    "call_batches": "gateway",
    "communication_records": "infinity",
    "technician_notifications": "metabase",
}
TICK = dt.datetime.combine(days.today(), dt.time(10), days.SHANGHAI)


@pytest.fixture
def defs(runtime):
    return build(runtime)


@pytest.fixture
def queue(own_instance, defs):
    return Queue(own_instance, defs)


class Queue:
    """Runs as jobs, schedules and sensors launch them, up to the moment the launcher would start them."""

    def __init__(self, instance, defs):
        self.instance, self.defs = instance, defs
        self.daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)

    def add(self, job, **tags):
        return self._add(job, {name.replace("__", "/"): value for name, value in tags.items()})

    def add_tick(self, name):
        entry = next(entry for entry in TIMETABLE if entry.name == name)
        request = run_request(entry, TICK, days.today() - dt.timedelta(days=30))
        return self._add(f"{entry.track}_stats_sync", request.tags)

    def _add(self, job, tags):
        definition = self.defs.resolve_job_def(job)
        server = GrpcServerCodeLocationOrigin("127.0.0.1", 1, location_name="calling_pipeline")
        return self.instance.create_run_for_job(
            job_def=definition,
            tags={**definition.tags, **tags},
            status=dg.DagsterRunStatus.QUEUED,
            remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(server, "__repository__"), job),
        ).run_id

    def start(self):
        """What the queue would start now, started: its first steps hold their pools."""
        chosen = self.daemon._get_runs_to_dequeue(self.instance, self.instance.get_concurrency_config(), None)
        for run in chosen:
            for event in (dg.DagsterEventType.RUN_STARTING, dg.DagsterEventType.RUN_START):
                self.instance.report_dagster_event(DagsterEvent(event.value, run.job_name), run.run_id)
            for pool in run.run_op_concurrency.root_key_counts if run.run_op_concurrency else ():
                self.instance.event_log_storage.claim_concurrency_slot(pool, run.run_id, "first step")
        return [run.run_id for run in chosen]


def test_todays_syncs_start_at_once_beside_five_long_batches(queue):
    """Five calling tasks were due at once: all places were full, and today's sync of 1.9 s waited for 417 s."""
    batches = [queue.add("call_batches_run", calling__task=f"task-{n}") for n in range(5)]
    started = queue.start()
    assert started == batches[:3]
    today = [queue.add_tick("grade_stats_today"), queue.add_tick("task_stats_today")]
    assert sorted(queue.start()) == sorted(today)


def test_today_goes_before_everything_that_waits(queue):
    waiting = [queue.add(name) for name in ("task_usage_count", "extension_pool_check", "housekeeping") for _ in range(3)]
    corrections = queue.add_tick("task_stats_t3")
    today = queue.add_tick("grade_stats_today")
    assert queue.start() == [today, corrections, *waiting[:4]]


def test_todays_sync_does_not_wait_for_a_long_run_by_hand_and_other_days_of_the_track_do(queue):
    range_tags = dict.fromkeys(("dagster__asset_partition_range_start", "dagster__asset_partition_range_end"), "2026-01-01")
    by_hand = queue.add("grade_stats_sync", **range_tags)
    assert queue.start() == [by_hand]
    corrections, today = queue.add_tick("grade_stats_t3"), queue.add_tick("grade_stats_today")
    assert queue.start() == [today]
    assert corrections in {
        run.run_id for run in queue.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
    }


def test_a_calling_task_has_one_run_at_a_time(queue):
    first, second, other = (queue.add("call_batches_run", calling__task=f"task-{n}") for n in (1, 1, 2))
    assert queue.start() == [first, other]
    assert second not in queue.start()


def test_what_is_materialized_by_hand_waits_for_a_place_at_the_vendor_too(queue, defs):
    """Backfills and *Materialize* carry no tags of ours: the pool is on the asset."""
    by_hand = dg.Definitions(
        assets=defs.assets, resources=defs.resources, jobs=[dg.define_asset_job("by_hand", selection=["call_batches"])]
    )
    queue.defs = by_hand
    queue.instance.event_log_storage.initialize_concurrency_limit_to_default("gateway")  # as the first use of a pool does
    runs = [queue.add("by_hand") for _ in range(5)]
    assert queue.start() == runs[:3]
    assert queue.start() == []


def test_every_asset_that_reads_or_calls_a_vendor_has_its_pool(defs):
    made = [asset for asset in defs.assets if isinstance(asset, dg.AssetsDefinition)]
    pools = {key.to_user_string(): asset.op.pool for asset in made for key in asset.keys}
    assert {name: pools[name] for name in POOLS} == POOLS
    assert defs.resolve_job_def("notifications_deliver").nodes[0].definition.pool == "wecom"
