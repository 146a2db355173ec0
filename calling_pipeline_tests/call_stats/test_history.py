"""Every published day stays in the history, whatever retention deletes, and nothing older replaces newer numbers."""

import datetime as dt
from decimal import Decimal

import dagster as dg
import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import retention, store
from calling_pipeline.call_stats.daily_counts.tables import daily_hours
from calling_pipeline.call_stats.history import quality
from calling_pipeline.call_stats.history import store as history
from calling_pipeline.call_stats.records import TaskSums
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.tables import daily_history, grade_stats_cache, task_stats_cache
from calling_pipeline.database import migrate
from calling_pipeline.database.engine import make_engine
from calling_pipeline.definitions import REST, build
from calling_pipeline.defs.call_stats.history import window_tags
from calling_pipeline.defs.catch_up import holes
from calling_pipeline.defs.windows import days_of_run, range_tags
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, act, proof_of
from calling_pipeline_tests.dagster_support import check_rows, instance_on

TASK = ("total_tasks", "callout_number", "called_number", "success_number", "connected_rate")
GRADE = ("grade_9", "grade_1", "total_success", "total_records")


def kept(engine, first, last=None):
    with engine.connect() as connection:
        return history.read_history(connection, first, last or first)


def cached(engine, track, day):
    with engine.connect() as connection:
        return store.read_day(connection, track, day)


def test_a_published_day_is_in_the_history_with_the_read_it_came_from(sync, engine):
    sync("task")
    (task,) = kept(engine, YESTERDAY)
    assert task.total_records is None
    sync("grade")
    (both,) = kept(engine, YESTERDAY)
    for track, names in (("task", TASK), ("grade", GRADE)):
        day = cached(engine, track, YESTERDAY)
        assert [getattr(both, name) for name in names] == [getattr(day, name) for name in names]
        assert getattr(both, f"{track}_fetch_number") == day.proof.fetch_number
        assert getattr(both, f"{track}_calculated_at") == day.calculated_at
    assert both.callout_number == task.callout_number


def test_a_corrected_day_is_corrected_in_the_history(sync, engine, guanke):
    sync("grade")
    (before,) = kept(engine, YESTERDAY)
    act(guanke, "size", date=YESTERDAY.isoformat(), calls=before.total_records + 7)
    sync("grade")
    (after,) = kept(engine, YESTERDAY)
    assert after.total_records == before.total_records + 7
    assert after.grade_fetch_number > before.grade_fetch_number


def test_retention_deletes_the_caches_and_not_the_history(sync, engine):
    sync("grade")
    sync("task")
    before = kept(engine, YESTERDAY)
    later = dt.datetime.combine(YESTERDAY + dt.timedelta(days=400), dt.time(3, 30), days.SHANGHAI)
    with engine.begin() as connection:
        retention.prune(connection, now=later, cache_days=30, record_days=90)
    assert cached(engine, "grade", YESTERDAY) is None
    assert kept(engine, YESTERDAY) == before


def test_an_older_read_does_not_replace_the_numbers_of_a_newer_one(engine):
    with engine.begin() as connection:
        for number, calls in ((7, 100), (6, 40)):
            proof = proof_of("task", YESTERDAY, fetch_number=number)
            sync_store.publish_task_day(connection, proof, TaskSums(1, calls, calls, 0), now=days.now())
        connection.execute(sa.delete(task_stats_cache))  # as retention does: the cache no longer knows the newer read
        sync_store.publish_task_day(
            connection, proof_of("task", YESTERDAY, fetch_number=5), TaskSums(1, 9, 9, 0), now=days.now()
        )
    (day,) = kept(engine, YESTERDAY)
    assert (day.callout_number, day.task_fetch_number, day.connected_rate) == (100, 7, Decimal("100.00"))


def test_a_publication_that_is_rolled_back_leaves_nothing_in_the_history(engine):
    with engine.connect() as connection:
        sync_store.publish_task_day(connection, proof_of("task", YESTERDAY), TaskSums(1, 1, 1, 0), now=days.now())
        assert len(history.read_history(connection, YESTERDAY, YESTERDAY)) == 1
        connection.rollback()
    assert kept(engine, YESTERDAY) == []


def test_the_same_weekdays_are_read_newest_first_and_gaps_stay_gaps(engine):
    weeks = {n: YESTERDAY - dt.timedelta(weeks=n) for n in (0, 1, 3, 4, 5)}
    with engine.begin() as connection:
        for n, day in weeks.items():
            sync_store.publish_task_day(
                connection, proof_of("task", day, fetch_number=n + 1), TaskSums(1, n, n, 0), now=days.now()
            )
        found = history.read_weekdays(connection, YESTERDAY)
        assert [day.date for day in found] == [weeks[1], weeks[3], weeks[4]]
        assert [day.callout_number for day in history.read_weekdays(connection, YESTERDAY, weeks=2)] == [1]


def test_the_migration_begins_the_history_with_what_is_cached(empty_database_url):
    engine = make_engine(empty_database_url)
    migrate.upgrade(engine)
    migrate.downgrade(engine, "0015_asset_activity")
    now, other = days.now(), YESTERDAY - dt.timedelta(days=1)
    task = {"total_tasks": 1, "callout_number": 9, "called_number": 3, "success_number": 2, "connected_rate": 33.33}
    grade = {"grade_9": 1, "grade_1": 1, "total_success": 2, "total_records": 9, "elapsed_time": 0.1}
    read = {"calculated_at": now, "sync_type": "manual"}
    with engine.begin() as connection:
        connection.execute(task_stats_cache.insert(), {**task, **read, "date": YESTERDAY, "fetch_number": 3})
        connection.execute(grade_stats_cache.insert(), {**grade, **read, "date": YESTERDAY, "fetch_number": 4})
        connection.execute(grade_stats_cache.insert(), {**grade, **read, "date": other, "fetch_number": 2})
    migrate.upgrade(engine)
    older, newer = kept(engine, other, YESTERDAY)
    assert (older.date, older.total_records, older.callout_number) == (other, 9, None)
    assert (newer.callout_number, newer.task_fetch_number, newer.grade_fetch_number, newer.updated_at) == (9, 3, 4, now)
    engine.dispose()


@pytest.fixture
def materialize(stats_runtime, tmp_path):
    """`materialize(first, last)` runs the job over days; returns its result and the partitions that Dagster then shows."""
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
    job = build(stats_runtime).resolve_job_def("daily_history_update")

    def run(first, last=None):
        tags = {} if last is None else range_tags(first, last, "long_historical")
        key = None if last else first.isoformat()
        result = job.execute_in_process(partition_key=key, tags=tags, instance=instance, raise_on_error=False)
        return result, instance.get_materialized_partitions(dg.AssetKey("daily_history"))

    return run


def test_dagster_shows_the_days_that_are_kept_and_those_never_read_as_missing(materialize, sync):
    first, gap = YESTERDAY - dt.timedelta(days=2), YESTERDAY - dt.timedelta(days=1)
    sync("task", first, YESTERDAY)
    result, shown = materialize(first, YESTERDAY)
    assert result.success
    assert shown == {first.isoformat(), YESTERDAY.isoformat()}
    assert gap.isoformat() not in shown
    events = [event for event in result.all_events if event.is_step_materialization]
    assert [event.partition for event in events] == [str(first), str(YESTERDAY)]  # the UI's page leads with the last one
    metadata = next(e for e in events if e.partition == YESTERDAY.isoformat()).materialization.metadata
    assert metadata["callout_number"].value > 0
    assert "total_records" not in metadata


def test_a_day_that_was_never_read_fails_and_says_which_jobs_read_it(materialize):
    result, shown = materialize(YESTERDAY)
    assert not result.success
    assert shown == set()
    [failure] = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    assert "run task_stats_sync and grade_stats_sync for these days" in failure.to_string()


def test_days_that_only_the_cache_holds_enter_the_history(materialize, sync, engine):
    sync("task")
    with engine.begin() as connection:
        connection.execute(sa.delete(daily_history))  # as if the version before had cached the day
    materialize(YESTERDAY)
    (day,) = kept(engine, YESTERDAY)
    assert day.callout_number == cached(engine, "task", YESTERDAY).callout_number


def test_the_schedule_asks_for_ten_days_ago_to_yesterday_in_one_run(stats_runtime):
    defs = build(stats_runtime)
    schedule = next(one for one in defs.schedules if one.name == "daily_history_t10")
    tick = dt.datetime(2026, 11, 24, 7, 45, tzinfo=days.SHANGHAI)
    request = schedule(dg.build_schedule_context(scheduled_execution_time=tick))
    assert days_of_run(request.tags) == days.day_range(dt.date(2026, 11, 14), dt.date(2026, 11, 23))
    assert window_tags(dt.date(2026, 11, 23), dt.date(2026, 11, 23)) == {"dagster/partition": "2026-11-23"}
    assert window_tags(dt.date(2026, 11, 24), dt.date(2026, 11, 23)) == {}


def test_after_housekeeping_dagster_shows_only_what_is_still_there_and_the_history_stays(
    stats_runtime, engine, dagster_database_url, tmp_path
):
    """A day older than the caches are kept, read by a backfill, was deleted the next night and stayed green."""
    old, defs = days.today() - dt.timedelta(days=45), build(stats_runtime)
    with instance_on(dagster_database_url, tmp_path) as instance:

        def run(job, **options):
            return defs.resolve_job_def(job).execute_in_process(instance=instance, **options)

        def shown(asset):
            return instance.get_materialized_partitions(dg.AssetKey(asset))

        for day in (old, YESTERDAY):
            for job in ("task_stats_sync", "grade_stats_sync", "daily_history_update"):
                run(job, partition_key=day.isoformat())
        assert shown("task_stats_cache") == {old.isoformat(), YESTERDAY.isoformat()}
        assert run("housekeeping").success
        for asset in ("task_stats_cache", "grade_stats_cache", "agent_ranking", "hourly_orders"):
            assert shown(asset) == {YESTERDAY.isoformat()}, asset
        assert shown("call_records") == {old.isoformat(), YESTERDAY.isoformat()}, "call records are kept longer"
        assert shown("daily_history") == {old.isoformat(), YESTERDAY.isoformat()}
    (day,) = kept(engine, old)
    assert day.callout_number > 0
    assert day.total_records > 0


def judged(instance, day):
    """Check → passed, as the partition view of the checks has it."""
    wanted = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    events = instance.event_log_storage.get_event_records(wanted, ascending=True)
    found = [record.event_log_entry.dagster_event.asset_check_evaluation_data for record in events]
    return {one.check_name: one.passed for one in found if one.partition == str(day)}


def test_the_kept_numbers_are_judged_against_the_caches_and_a_missing_track_is_a_hole(
    stats_runtime, sync, engine, pg_instance
):
    job = build(stats_runtime).resolve_job_def("daily_history_update")

    def verdicts():
        job.execute_in_process(partition_key=YESTERDAY.isoformat(), instance=pg_instance, raise_on_error=False)
        return judged(pg_instance, YESTERDAY)

    sync("task")
    later = days.day_bounds(YESTERDAY)[1] + dt.timedelta(hours=36)
    with days.frozen(later):
        assert verdicts() == {
            "kept_numbers_equal_the_caches": True,
            "daily_counts_add_up": True,
            "both_tracks_are_kept": False,
        }
        sync("grade")
        assert verdicts() == {
            "kept_numbers_equal_the_caches": True,
            "daily_counts_add_up": True,
            "both_tracks_are_kept": True,
        }
        with engine.begin() as connection:
            newer = {"callout_number": daily_history.c.callout_number + 1, "task_fetch_number": 10**9}
            connection.execute(sa.update(daily_history).values(newer))
            connection.execute(
                sa.update(daily_hours).where(daily_hours.c.hour == 15).values(orders=daily_hours.c.orders + 1)
            )
        assert verdicts() == {
            "kept_numbers_equal_the_caches": False,
            "daily_counts_add_up": False,
            "both_tracks_are_kept": True,
        }
    assert not {status for *_, status in check_rows(pg_instance)} & {"PLANNED"}


def test_a_day_that_the_caches_have_let_go_has_nothing_to_be_compared_with():
    facts = quality.HistoryFacts(YESTERDAY, None)
    assert quality.agrees_with_the_caches(facts).passed
    assert quality.both_tracks_are_kept(facts).passed


def test_a_kept_day_that_dagster_does_not_show_is_caught_up_and_one_never_read_is_not(stats_runtime, sync, pg_instance):
    first = YESTERDAY - dt.timedelta(days=2)
    sync("task", first, YESTERDAY)
    [filling] = [one for one in REST if one.job == "daily_history_update"]
    later = days.day_bounds(YESTERDAY)[1] + dt.timedelta(hours=36)

    def missing():
        return holes(filling, filling.stored(stats_runtime, pg_instance, first, later.date()), first, later)

    assert missing() == [first, YESTERDAY]
    job = build(stats_runtime).resolve_job_def(filling.job)
    with days.frozen(later):
        assert job.execute_in_process(instance=pg_instance, tags=range_tags(first, YESTERDAY, "long_historical")).success
    assert missing() == []
