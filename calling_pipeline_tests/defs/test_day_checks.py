"""The factory of asset checks on a real instance: one evaluation per day or one in all, and nothing left planned."""

from collections import Counter

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.defs.checks import Check, daily_checks, standing_checks
from calling_pipeline.defs.windows import range_tags
from calling_pipeline.quality import Finding
from calling_pipeline_tests.dagster_support import check_rows, colours, partitions

daily = dg.DailyPartitionsDefinition("2026-11-01", timezone="Asia/Shanghai", end_offset=1)
WANTED = days.day_range(days.parse_day("2026-11-18"), days.parse_day("2026-11-20"))
BAD = WANTED[1]


@dg.asset(partitions_def=daily)
def numbers() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult()


@dg.asset(partitions_def=daily, deps=[numbers])
def report() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult()


def job(*, blocking=False, judge=None, facts=lambda connection, day: day, standing=lambda facts: Finding(True, "fine")):
    is_good = judge or (lambda day: Finding(day != BAD, f"judged {day}", ("row 7",) if day == BAD else (), {"rows": 3}))
    checks = [
        daily_checks("numbers", [Check("day_is_good", is_good, "Good.", blocking=blocking)], facts, daily),
        standing_checks("numbers", [Check("all_is_good", standing, "All.")], lambda runtime: None, group="standing"),
    ]
    made = dg.define_asset_job("all", selection=dg.AssetSelection.all())
    return dg.Definitions(assets=[numbers, report], asset_checks=checks, jobs=[made])


@pytest.fixture
def run(instance, runtime):
    def execute(definitions, first=WANTED[0], last=WANTED[-1]):
        tags = range_tags(first, last, "manual") if first != last else {"dagster/partition": first.isoformat()}
        made = dg.Definitions.merge(definitions, dg.Definitions(resources={"runtime": runtime})).resolve_job_def("all")
        return made.execute_in_process(instance=instance, tags=tags, raise_on_error=False)

    return execute


@pytest.mark.parametrize("first", [WANTED[0], BAD])
def test_one_evaluation_per_day_and_one_for_what_has_no_day(run, instance, first):
    assert run(job(), first, BAD).success
    wanted = days.day_range(first, BAD)
    status = {day: "FAILED" if day == BAD else "SUCCEEDED" for day in wanted}
    by_day = [("numbers", "day_is_good", str(day), status[day]) for day in wanted]
    assert check_rows(instance) == Counter([*by_day, ("numbers", "all_is_good", None, "SUCCEEDED")])
    assert colours(instance, "numbers", "day_is_good", daily, wanted) == {str(day): status[day] for day in wanted}


def test_an_evaluation_carries_its_sentence_numbers_examples_and_the_materialization_it_judged(run, instance):
    result = run(job(), BAD, BAD)
    [evaluation] = [one for one in result.get_asset_check_evaluations() if one.check_name == "day_is_good"]
    shown = {name: value.value for name, value in evaluation.metadata.items()}
    assert shown.pop("runbook").endswith("/runbooks/check")
    assert (evaluation.description, shown) == (f"judged {BAD}", {"rows": 3, "examples": "row 7"})
    [judged] = instance.fetch_materializations(dg.AssetKey("numbers"), limit=5).records
    assert evaluation.target_materialization_data.storage_id == judged.storage_id


def test_a_blocking_check_stops_what_follows_and_names_its_day(run, instance):
    result = run(job(blocking=True))
    assert not result.success
    [event] = [event for event in result.all_events if event.is_step_failure]
    reason = event.step_failure_data.user_failure_data.description
    assert reason == f"{BAD}: numbers: day is good: judged {BAD}"
    assert set(partitions(instance, "report", daily, WANTED).values()) == {"FAILED"}
    assert set(partitions(instance, "numbers", daily, WANTED).values()) == {"MATERIALIZED"}


def test_a_blocking_check_that_passes_lets_everything_follow(run, instance):
    assert run(job(blocking=True), WANTED[2], WANTED[2]).success
    assert partitions(instance, "report", daily, [WANTED[2]]) == {str(WANTED[2]): "MATERIALIZED"}


@pytest.mark.parametrize("where", ["judge", "facts", "standing"])
def test_a_check_that_raises_is_a_failed_evaluation_and_a_failed_run(run, instance, where):
    def raises(*_):
        raise ZeroDivisionError("nothing to divide by")

    result = run(job(**{where: raises}), WANTED[0], WANTED[0])
    assert not result.success
    name = "all_is_good" if where == "standing" else "day_is_good"
    rows = check_rows(instance)
    assert [status for _, check, _, status in rows if check == name] == ["FAILED"]
    assert "PLANNED" not in {status for *_, status in rows}
    key = dg.AssetCheckKey(dg.AssetKey("numbers"), name)
    [record] = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    assert "could not be judged: ZeroDivisionError: nothing to divide by" in evaluation.description
    assert evaluation.severity == dg.AssetCheckSeverity.ERROR
