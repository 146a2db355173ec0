"""`calling-pipeline stats held`, and what `stats sync` and `stats show` say of a day that is held or could not be read."""

import datetime as dt
import json

import pytest
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.cli.call_stats import stats
from calling_pipeline.cli.output import Door
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.support import http

CALLS = "/task/cdr/all2"
DAY = (days.today() - dt.timedelta(days=1)).isoformat()
SYNC = ("sync", "--track", "grade", "--from", DAY, "--to", DAY)


@pytest.fixture
def run(app_settings, simulator):
    """Run `stats …` in this process: exit status and JSON document, or the text."""
    http.post(f"{simulator.url}/guanke/_sim/reset").raise_for_status()
    runtime = Runtime(app_settings.model_copy(update={"guanke_base_url": f"{simulator.url}/guanke"}))

    def run(*words, text=False):
        door = Door()
        door.__dict__["runtime"] = runtime
        done = CliRunner().invoke(stats, [*words, *(() if text else ("--json",))], obj=door, catch_exceptions=False)
        return done.exit_code, done.stdout if text else json.loads(done.stdout)

    yield run
    runtime.close()


def spoil(simulator):
    simulator.plant("unknown_grades", path=CALLS, times=None, rows=400, text="九元")


def test_a_held_day_exits_with_1_and_shows_its_reasons_and_the_numbers_that_stand(run, simulator):
    _, [before] = run(*SYNC)
    spoil(simulator)
    status, [after] = run(*SYNC)
    assert (status, after["outcome"], after["stats"]["grade_9"]) == (1, "held", before["stats"]["grade_9"])
    assert after["reasons"][0]["rule"] == "unknown_grades"
    assert "hold: " in run(*SYNC, text=True)[1]
    _, shown = run("show", "--date", DAY)
    assert shown["grade"]["held"]["reasons"][0]["rule"] == "unknown_grades"
    assert shown["grade"]["last_attempt"]["outcome"] == "held"


def test_a_person_lists_publishes_and_discards(run, simulator):
    run(*SYNC)
    spoil(simulator)
    run(*SYNC)
    _, [held] = run("held", "list")
    assert (held["date"], held["state"], held["numbers_before"]["grade_9"] > held["numbers"]["grade_9"]) == (
        DAY,
        "open",
        True,
    )
    assert "unknown_grades" in run("held", "list", text=True)[1]
    status, discarded = run("held", "discard", str(held["id"]), "--reason", "wrong words", "--by", "ling")
    assert (status, discarded["state"], discarded["closed_by"]) == (0, "discarded", "ling")
    status, said = run("held", "publish", str(held["id"]), "--reason", "x")
    assert status == 1
    assert "was discarded by ling" in said["error"]
    run(*SYNC)
    _, [again] = run("held", "list")
    _, published = run("held", "publish", str(again["id"]), "--reason", "as it is")
    assert published["closed_by"].endswith("(command line)")
    assert run("show", "--date", DAY)[1]["grade"]["grade_9"] == again["numbers"]["grade_9"]
    assert [one["state"] for one in run("held", "list", "--all")[1]] == ["published", "discarded"]
    assert "no day is held" in run("held", "list", text=True)[1]


def test_a_day_that_could_not_be_read_says_so_until_it_is_read(run, simulator):
    simulator.plant("garbage", path=CALLS, times=None)
    status, said = run(*SYNC)
    assert status == 1
    for part in (DAY, CALLS, "page 1", "no JSON", "no numbers of it are published", "calling-pipeline stats sync"):
        assert part in said["error"]
    status, shown = run("show", "--date", DAY)
    assert (status, shown["grade"]["last_attempt"]["outcome"]) == (1, "failed")
    assert "no JSON" in run("show", "--date", DAY, text=True)[1]
    simulator.clear_faults()
    run(*SYNC)
    assert run("show", "--date", DAY)[1]["grade"]["last_attempt"] is None


@pytest.mark.parametrize("seconds", [-10, 86_450, -9 * 3600, -21 * 3600], ids=["before", "after", "busy hour", "quiet hour"])
def test_a_call_of_another_day_does_not_make_a_sync_fail(run, simulator, seconds):
    """It ended with "the database refused: duplicate key value violates unique constraint"."""
    _, [before] = run(*SYNC)
    moment = int(days.day_bounds(dt.date.fromisoformat(DAY))[0].timestamp()) + seconds
    simulator.plant("wrong_value", path="page=1&", times=None, field="callTime", value=moment, rows=1)
    status, [after] = run(*SYNC)
    assert (status, after["outcome"], after["proof"]["outside_day"]) == (0, "stored", 1)
    assert after["stats"]["total_records"] == before["stats"]["total_records"] - 1
    assert [warning["rule"] for warning in after["stats"]["warnings"]] == ["outside_day"]


def test_a_range_is_shown_with_both_tracks_side_by_side_and_held_and_missing_days_marked(run, simulator):
    before = (dt.date.fromisoformat(DAY) - dt.timedelta(days=1)).isoformat()
    wanted = ("show", "--from", before, "--to", DAY)
    assert run(*wanted)[0] == 1
    run(*SYNC)
    run("sync", "--track", "task", "--from", before, "--to", DAY)
    spoil(simulator)
    run(*SYNC)
    status, document = run(*wanted)
    assert (status, document["from"], document["to"]) == (0, before, DAY)
    assert [(one["date"], one["task"]["standing"], one["grade"]["standing"]) for one in document["days"]] == [
        (before, "complete", "missing"),
        (DAY, "complete", "held"),
    ]
    text = run(*wanted, text=True)[1]
    for part in ("total_success", "callout_number", "missing", "held", f"{DAY} grade: a newer read is held since"):
        assert part in text
    for mistake in ((), ("--from", before), ("--date", DAY, "--from", before, "--to", DAY)):
        with pytest.raises(json.JSONDecodeError):
            run("show", *mistake)
