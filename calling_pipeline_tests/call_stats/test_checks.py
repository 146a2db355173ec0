"""Every asset check both ways: it passes on a good day, and fails on the bad datum it exists for."""

import datetime as dt
import re

import dagster as dg
import pytest
import sqlalchemy as sa

from calling_pipeline.call_stats.facts.store import day_facts
from calling_pipeline.defs.call_stats.checks import CHECKS
from calling_pipeline.defs.checks import judge
from calling_pipeline_tests.call_stats.conftest import YESTERDAY

WEEK_BEFORE = YESTERDAY - dt.timedelta(days=7)
# Five reads as fast as the last one, and then one of 500 seconds.
SLOW = (
    "INSERT INTO fetch_proofs SELECT (jsonb_populate_record(proof, jsonb_build_object('fetch_number', 1000 + n))).* "
    "FROM fetch_proofs AS proof, generate_series(1, 6) AS n WHERE date = :day AND track = '{track}'; "
    "UPDATE fetch_proofs SET elapsed_s = 500 WHERE fetch_number = 1006"
)
_FAILED_READ = (
    "INSERT INTO failed_reads (track, date, failed_at, failures, sync_type, run_id, error_kind, error)"
    " VALUES ('{track}', :day, now(), 1, 'manual', '', 'VendorTimeout', 'no answer')"
)
BAD_DATA = {
    "fetched_rows_equal_reported_total": "DELETE FROM call_records "
    "WHERE id = (SELECT min(id) FROM call_records WHERE date = :day)",
    "call_record_ids_are_unique": "ALTER TABLE call_records DROP CONSTRAINT pk_call_records; "
    "INSERT INTO call_records SELECT * FROM call_records WHERE date = :day LIMIT 1",
    "calls_lie_in_their_day": "UPDATE call_records SET called_at = called_at - interval '1 day' "
    "WHERE id = (SELECT min(id) FROM call_records WHERE date = :day)",
    "grades_are_known": "UPDATE fetch_proofs SET unknown_grades = '{\"高意向\": 40}' WHERE date = :day",
    "newest_grade_read_is_published": _FAILED_READ.format(track="grade"),
    "newest_task_read_is_published": _FAILED_READ.format(track="task"),
    "call_fields_are_as_agreed": "UPDATE fetch_proofs SET missing_fields = '{\"duration\": 3}' WHERE date = :day",
    "incremental_reads_equal_a_full_read": "UPDATE fetch_proofs SET late_rows = 30 WHERE date = :day",
    "vendor_speed_is_usual": SLOW.format(track="grade"),
    "sync_duration_is_usual": SLOW.format(track="grade"),
    "task_vendor_speed_is_usual": SLOW.format(track="task"),
    "task_sync_duration_is_usual": SLOW.format(track="task"),
    "calls_did_not_drop_abnormally": "DELETE FROM call_records WHERE date = :day AND id % 3 <> 0",
    "grade_cache_has_one_row_per_date": "DELETE FROM grade_stats_cache WHERE date = :day",
    "total_success_is_grade_9_plus_grade_1": "ALTER TABLE grade_stats_cache "
    "DROP CONSTRAINT ck_grade_stats_cache_total_success_is_the_sum; "
    "UPDATE grade_stats_cache SET total_success = total_success + 1 WHERE date = :day",
    "tracks_agree": "UPDATE task_stats_cache SET called_number = called_number / 2 WHERE date = :day",
    "grade_cache_is_fresh": "UPDATE fetch_proofs SET started_at = started_at - interval '2 days' WHERE date = :day",
    "task_cache_has_one_row_per_date": "ALTER TABLE task_stats_cache DROP CONSTRAINT pk_task_stats_cache; "
    "INSERT INTO task_stats_cache SELECT * FROM task_stats_cache WHERE date = :day",
    "task_rates_are_consistent": "UPDATE task_stats_cache SET connected_rate = 100.5 WHERE date = :day",
    "task_rows_equal_reported_total": "UPDATE fetch_proofs SET reported_total = reported_total + 1 WHERE date = :day",
    "task_fields_are_as_agreed": "UPDATE fetch_proofs SET new_fields = '{\"score\": 6}' WHERE date = :day",
    "task_cache_is_fresh": "UPDATE fetch_proofs SET started_at = started_at - interval '2 days' WHERE date = :day",
    "agents_add_up_to_the_day": "DELETE FROM agent_ranking WHERE date = :day AND position = 1",
    "hours_add_up_to_the_day": "UPDATE hourly_orders SET orders = orders + 1 WHERE date = :day AND hour = 15",
}
ALL = {check.name: (asset, check) for asset, group in CHECKS.items() for check in group}


def judged(connection, name):
    asset, check = ALL[name]
    [verdict] = judge(asset, [check], lambda: day_facts(connection, YESTERDAY), YESTERDAY)
    assert not verdict.broken, verdict.finding
    return verdict.evaluation()


@pytest.fixture
def synced(sync):
    sync("grade", WEEK_BEFORE, YESTERDAY)
    sync("task")


def test_every_check_has_its_bad_datum():
    assert set(BAD_DATA) == set(ALL)


@pytest.mark.usefixtures("synced")
@pytest.mark.parametrize("name", BAD_DATA)
def test_a_check_passes_on_a_good_day_and_fails_on_its_bad_datum(connection, name):
    good = judged(connection, name)
    assert good.passed, good.description
    for statement in BAD_DATA[name].split("; "):
        connection.execute(sa.text(statement), {"day": YESTERDAY} if ":day" in statement else {})
    bad = judged(connection, name)
    assert not bad.passed
    assert bad.partition == good.partition == str(YESTERDAY)
    assert bad.blocking == ALL[name][1].blocking
    assert bad.severity == (dg.AssetCheckSeverity.WARN if ALL[name][1].warns else dg.AssetCheckSeverity.ERROR)


@pytest.mark.usefixtures("synced")
def test_a_published_sum_that_the_call_records_deny_fails(connection):
    connection.execute(sa.text("UPDATE grade_stats_cache SET grade_9 = grade_9 + 1, grade_1 = grade_1 - 1"))
    assert not judged(connection, "total_success_is_grade_9_plus_grade_1").passed


@pytest.mark.usefixtures("synced")
def test_results_carry_numbers_and_no_phone_number(connection):
    for name in ALL:
        shown = judged(connection, name).metadata
        assert not re.search(r"(?<![\d.])1[3-9]\d{9}(?!\d)", str(shown)), name
        assert any(isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue) for value in shown.values()), name


def test_blocking_is_what_would_publish_a_wrong_number():
    errors = {name for name, (_, check) in ALL.items() if not check.warns}
    blocking = {name for name, (_, check) in ALL.items() if check.blocking}
    assert errors - blocking == {"newest_grade_read_is_published", "newest_task_read_is_published"}
    assert blocking == {
        "fetched_rows_equal_reported_total",
        "call_record_ids_are_unique",
        "grade_cache_has_one_row_per_date",
        "total_success_is_grade_9_plus_grade_1",
        "task_cache_has_one_row_per_date",
        "task_rates_are_consistent",
        "task_rows_equal_reported_total",
        "agents_add_up_to_the_day",
        "hours_add_up_to_the_day",
    }
