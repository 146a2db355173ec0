"""The first look of the day: what is not well is named with what to do, and what is well is left alone."""

import datetime as dt
import json
import time
import uuid
from dataclasses import fields, replace

import dagster as dg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._daemon.types import DaemonHeartbeat

from calling_pipeline import days
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.alerts.records import Condition
from calling_pipeline.analysis.dagster_storage.records import DagsterState, Heartbeat, ScheduleRun
from calling_pipeline.analysis.dagster_storage.store import DAEMONS, dagster_state
from calling_pipeline.analysis.status.gathering import status
from calling_pipeline.analysis.status.judging import DayNotes, day_state, days_said, judge
from calling_pipeline.analysis.status.records import DayState, Facts, OpenAlert, PoolUse, Status, Watcher
from calling_pipeline.call_batches.batches.records import OpenBatch
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.recent.records import ScheduledSync, Speed
from calling_pipeline.call_stats.records import TRACKS, FailedRead, Reason, TaskSums
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.tables import failed_reads
from calling_pipeline.cli.main import main
from calling_pipeline_tests.call_stats.conftest import proof_of
from calling_pipeline_tests.defs.conftest import instance  # noqa: F401 - a fixture

NOW = dt.datetime(2026, 11, 24, 7, 30, tzinfo=days.SHANGHAI)
DAY = dt.date(2026, 11, 23)
DUE = NOW.replace(hour=7, minute=0)
ALIVE = tuple(Heartbeat(daemon, 4.0) for daemon in DAEMONS)
BATCH = OpenBatch(3, "new orders", DAY, "running", "", pending=10, pushing=2, unknown=0)
SYNC = ScheduledSync("grade_stats_t3", "grade", "historical", DUE, "done", 3, 3, (), DUE, DUE, 2.0, NOW.replace(hour=10))
FAST = Speed("grade", DAY, "full", NOW, pages=10, page_s=0.1, read_s=1.0, compared=50, usual_page_s=0.1, usual_read_s=1.0)
WELL = Facts(
    at=NOW,
    syncs=(SYNC,),
    days=(DayState(DAY, "grade", "good"), DayState(NOW.date(), "grade", "not due")),
    numbers=(),
    vendor=(FAST,),
    alerts=(),
    batches=(BATCH,),
    messages={"contracts": {"pending": 3}, "technicians": {}},
    extensions=PoolUse(10, 3, 6, 1, 0),
    dagster=DagsterState(None, ALIVE, running=2),
    watcher=Watcher(),
)


def test_nothing_is_said_of_what_is_well():
    found = judge(WELL)
    assert (found.healthy, found.problems) == (True, ())


LATE = replace(SYNC, state="late", days_read=1, days_not_read=(DAY, DAY - dt.timedelta(days=1)))
FAILED_RUN = ScheduleRun("grade_stats_t10", "0123456789", "FAILURE", NOW, NOW)
ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("one"), "two"), "job")
SILENT = (replace(ALIVE[0], age_s=3600.0), *ALIVE[1:])


@pytest.mark.parametrize(
    ("change", "section", "what", "do"),
    [
        ({"syncs": (LATE,)}, "syncs", "due at 11-24 07:00, read 1 of 3 days", "--from 2026-11-22 --to 2026-11-23"),
        ({"days": (DayState(DAY, "task", "missing"),)}, "days", "2026-11-23 of the task track is missing", "stats sync"),
        ({"days": (DayState(DAY, "grade", "held", ("40 % unknown",)),)}, "days", "is held: 40 % unknown", "stats held list"),
        ({"days": (DayState(DAY, "grade", "bad", ("sums agree",)),)}, "days", "is bad: sums agree", "alerts list"),
        ({"vendor": (replace(FAST, page_s=5.0),)}, "vendor", "5.00 s per page, usually 0.10 s", "Guanke"),
        ({"alerts": (OpenAlert(1, "a", "error", NOW, "a check"),)}, "alerts", "1 alerts are open: a check", "alerts list"),
        ({"batches": (replace(BATCH, state="paused", note="by me"),)}, "batches", "paused with 10 calls", "calls resume 3"),
        ({"batches": (replace(BATCH, unknown=2),)}, "batches", "2 calls whose outcome is unknown", "calls settle"),
        ({"messages": {"contracts": {"unknown": 2}}}, "messages", "2 messages to contracts are held", "notify settle"),
        ({"messages": {"technicians": {"dead": 1}}}, "messages", "dead letters", "notify redrive --technicians"),
        ({"extensions": PoolUse(11, 9, 1, 0, 1)}, "extensions", "9 of 10 extensions are in use", "telephony stats"),
        ({"dagster": DagsterState("no answer")}, "dagster", "state is unknown: no answer", "calling-pipeline up"),
        ({"dagster": DagsterState(None)}, "dagster", "daemon has never run", "calling-pipeline up"),
        ({"dagster": DagsterState(None, SILENT)}, "dagster", "for 60 minutes", "start it"),
        ({"dagster": DagsterState(None, ALIVE, queued=2, oldest_queued_s=900.0)}, "dagster", "2 runs wait", "Runs"),
        ({"dagster": DagsterState(None, ALIVE, schedule_runs=(FAILED_RUN,))}, "dagster", "run 01234567", "Re-execute"),
    ],
)
def test_each_thing_that_is_not_well_is_named_with_what_to_do(change, section, what, do):
    found = judge(replace(WELL, **change))
    assert not found.healthy
    [problem] = found.problems
    assert problem.section == section
    assert what in problem.what
    assert do in problem.do


NOTES = DayNotes(cached=True, due=True, held=None, failed=None, failing_checks=())
FAILED = FailedRead(NOW, 1, "the vendor did not answer")


@pytest.mark.parametrize(
    ("change", "condition", "reasons"),
    [
        ({}, "good", ()),
        ({"cached": False}, "missing", ()),
        ({"cached": False, "due": False}, "not due", ()),
        ({"cached": False, "held": ("40 % unknown",)}, "held", ("40 % unknown",)),
        ({"held": ("40 % unknown",), "failing_checks": ("sums",)}, "held", ("40 % unknown", "sums")),
        ({"failing_checks": ("sums",)}, "bad", ("sums",)),
        ({"failed": FAILED}, "bad", ("the attempt of 11-24 07:30 failed: the vendor did not answer",)),
    ],
)
def test_a_day_is_shown_by_its_gravest_condition_with_every_reason(change, condition, reasons):
    state = day_state(DAY, "grade", replace(NOTES, **change))
    assert (state.condition, state.reasons) == (condition, reasons)


def test_held_days_failed_reads_and_failing_checks_are_seen_on_their_days(runtime):
    before = [DAY - dt.timedelta(days=n) for n in range(3)]
    proof = proof_of("grade", DAY)
    check = Condition(
        name=f"check:task_stats_cache:rates:{before[1]}", failing=True, severity="error", title="rates are wrong", text="",
        room="dagster", event=1, subject="task_stats_cache", day=before[1],
    )  # fmt: skip
    with days.frozen(NOW), runtime.transaction() as connection:
        reason = Reason("unknown_grades", "hold", "40 % unknown")
        held_store.hold(connection, proof, [reason], numbers={}, before=None, now=NOW)
        alert_store.save_judgement(connection, check, remind_after=dt.timedelta(days=1))
        one = proof_of("task", before[1], fetch_number=2)
        sync_store.add_proof(connection, one)
        sync_store.publish_task_day(connection, one, TaskSums(), now=NOW)
        statement = sa.insert(failed_reads).values(
            track="grade",
            date=before[2],
            failed_at=NOW,
            failures=1,
            error="no answer",
            sync_type="manual",
            run_id="",
            error_kind="",
        )
        connection.execute(statement)
    with days.frozen(NOW):
        found = {(state.track, state.date): state for state in status(runtime).days}
    assert (found["grade", DAY].condition, found["grade", DAY].reasons) == ("held", ("40 % unknown",))
    assert (found["task", before[1]].condition, found["task", before[1]].reasons) == ("bad", ("failing: rates are wrong",))
    assert found["grade", before[2]].condition == "missing"
    assert "no answer" in found["grade", before[2]].reasons[0]


def test_days_are_said_as_stretches():
    dates = [dt.date(2026, 11, day) for day in (3, 1, 2, 7)]
    assert days_said(dates) == "2026-11-01 to 2026-11-03, 2026-11-07"


def test_dagsters_daemons_queue_and_schedules_are_read_from_its_storage(instance):  # noqa: F811
    run_status = dg.DagsterRunStatus
    url = make_url(instance)
    assert dagster_state(url, ["grade_stats_t3"]) == DagsterState(None)
    for daemon in (*DAEMONS, "BACKFILL"):
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 100, daemon, "one", []))
    for state in (run_status.QUEUED, run_status.STARTED, run_status.SUCCESS, run_status.FAILURE):
        tags = {"dagster/schedule_name": "grade_stats_t3"}
        run = dg.DagsterRun("job", str(uuid.uuid4()), status=state, tags=tags, remote_job_origin=ORIGIN)
        instance.run_storage.add_run(run)
    found = dagster_state(url, ["grade_stats_t3", "grade_stats_t10"])
    assert [beat.daemon for beat in found.heartbeats] == list(DAEMONS)
    assert all(100 <= beat.age_s < 3600 for beat in found.heartbeats)
    assert (found.queued, found.running) == (1, 1)
    assert 0 <= found.oldest_queued_s < 3600
    assert [(run.schedule, run.status) for run in found.schedule_runs] == [("grade_stats_t3", "FAILURE")]


def make_url(dagster_instance):
    """The instance's database with the driver that the product reads it by."""
    return dagster_instance.run_storage._engine.url.set(drivername="postgresql+psycopg")


def test_a_dagster_that_is_not_there_is_unknown_with_its_reason(empty_database_url, database_url):
    assert "no tables of Dagster yet" in dagster_state(empty_database_url, []).unknown
    assert "does not exist" in dagster_state(database_url.set(database="nowhere"), []).unknown
    assert "cannot be reached" in dagster_state(database_url.set(host="127.0.0.1", port=9), []).unknown


def test_a_new_installation_misses_its_days_and_has_no_dagster(runtime):
    with days.frozen(NOW):
        found = status(runtime)
    conditions = {(state.track, state.date): state.condition for state in found.days}
    assert conditions["grade", DAY] == "missing"
    assert conditions["grade", NOW.date()] == "not due"
    assert len(conditions) == 22
    assert found.dagster.unknown
    assert not found.healthy


def test_a_new_installations_first_night_names_no_sync_and_its_missed_t10_is_named_the_night_after(runtime):
    installed = NOW.replace(hour=0, minute=10)
    with runtime.transaction() as connection:
        for number, (track, back) in enumerate(((track, back) for track in TRACKS for back in range(11)), 1):
            proof = proof_of(track, NOW.date() - dt.timedelta(days=back), fetch_number=number)
            sync_store.add_proof(connection, replace(proof, started_at=installed, finished_at=installed))
    with days.frozen(installed + dt.timedelta(minutes=20)):
        assert [one.what for one in status(runtime).problems if one.section == "syncs"] == []
    with days.frozen(NOW):
        said = [one.what for one in status(runtime).problems if one.section == "syncs"]
    assert any(what.startswith("task_stats_t10, due at 11-24 07:00, read 0 of 10 days") for what in said)


@pytest.fixture
def given(app_settings):
    return {"CALLING_DATABASE_URL": app_settings.database_url.get_secret_value(), "CALLING_HOME": str(app_settings.home)}


def test_the_command_answers_with_one_document_and_0_however_bad_it_looks(given):
    answer = CliRunner().invoke(main, ["status", "--json"], env=given)
    assert answer.exit_code == 0, answer.stderr
    document = json.loads(answer.stdout)
    assert document["healthy"] is False
    assert {field.name for field in fields(Status)} == document.keys()
    assert all(problem["do"] for problem in document["problems"])
    shown = CliRunner().invoke(main, ["status"], env=given)
    assert shown.exit_code == 0, shown.stderr
    assert "things are not well" in shown.stdout
    assert "Dagster: unknown" in shown.stdout


def test_the_command_fails_when_it_cannot_look(given):
    answer = CliRunner().invoke(main, ["status"], env=given | {"CALLING_DATABASE_URL": "postgresql://u@127.0.0.1:9/x"})
    assert answer.exit_code == 1
    assert "cannot be reached" in answer.stderr
