"""The asset checks of the stats tracks, evaluated day by day by the run itself (`runs.py`).

A blocking check that fails stops: neither its asset nor what comes after it is shown as materialized for that day.
"""

from collections.abc import Iterable, Mapping

import dagster as dg

from calling_pipeline.call_stats import quality
from calling_pipeline.call_stats.quality import DayFacts
from calling_pipeline.call_stats.recent.quality import read_duration_is_usual, vendor_speed_is_usual
from calling_pipeline.defs.checks import Check

CHECKS: Mapping[str, tuple[Check[DayFacts], ...]] = {
    "call_records": (
        Check(
            "fetched_rows_equal_reported_total",
            quality.fetch_is_complete,
            "Stored rows = what the vendor reported.",
            blocking=True,
        ),
        Check("call_record_ids_are_unique", quality.ids_are_unique, "One row per CDR id.", blocking=True),
        Check(
            "calls_lie_in_their_day",
            quality.calls_lie_in_their_day,
            "Each call was made on its partition's day.",
            warns=True,
        ),
        Check(
            "grades_are_known", quality.grades_are_known, "At most 2 % of grades are texts the rule never met.", warns=True
        ),
        Check(
            "newest_grade_read_is_published",
            lambda facts: quality.newest_read_is_published(facts, "grade"),
            "The newest attempt to read the day arrived, passed the publishing gate and is what readers see.",
        ),
        Check(
            "call_fields_are_as_agreed",
            lambda facts: quality.fields_are_as_agreed(facts.proof),
            "The vendor sent no new field and left none out.",
            warns=True,
        ),
        Check(
            "incremental_reads_equal_a_full_read",
            quality.increments_equal_a_full_read,
            "A full read of the day found at most 1 % of its rows otherwise than the incremental reads before it.",
            warns=True,
        ),
        Check(
            "calls_did_not_drop_abnormally",
            quality.no_abnormal_drop,
            "At least half the calls of the same weekday a week before, up to the same time.",
            warns=True,
        ),
        Check(
            "vendor_speed_is_usual",
            lambda facts: vendor_speed_is_usual(facts.grade_speed),
            "A page took at most three times its usual, or less than a second.",
            warns=True,
        ),
        Check(
            "sync_duration_is_usual",
            lambda facts: read_duration_is_usual(facts.grade_speed),
            "The day's read took at most three times its usual, or less than a minute.",
            warns=True,
        ),
    ),
    "grade_stats_cache": (
        Check(
            "grade_cache_has_one_row_per_date",
            lambda facts: quality.one_row_per_date(facts.grade_rows),
            "One row per date.",
            blocking=True,
        ),
        Check(
            "total_success_is_grade_9_plus_grade_1",
            quality.sums_agree,
            "The sums agree, with the call records too.",
            blocking=True,
        ),
        Check("tracks_agree", quality.tracks_agree, "Both tracks count the same calls, within 5 %.", warns=True),
        Check(
            "grade_cache_is_fresh",
            quality.grade_track_is_fresh,
            "Read at or after the timetable's last due tick.",
            warns=True,
        ),
    ),
    "task_stats_cache": (
        Check(
            "task_cache_has_one_row_per_date",
            lambda facts: quality.one_row_per_date(facts.task_rows),
            "One row per date.",
            blocking=True,
        ),
        Check(
            "task_rates_are_consistent",
            lambda facts: quality.rates_are_consistent(facts.task),
            "0 ≤ success ≤ called ≤ dialled; the rate is their percentage.",
            blocking=True,
        ),
        Check(
            "task_rows_equal_reported_total",
            lambda facts: quality.task_fetch_is_complete(facts.task),
            "Dialling tasks read = what the vendor reported.",
            blocking=True,
        ),
        Check(
            "newest_task_read_is_published",
            lambda facts: quality.newest_read_is_published(facts, "task"),
            "The newest attempt to read the day arrived, passed the publishing gate and is what readers see.",
        ),
        Check(
            "task_fields_are_as_agreed",
            lambda facts: quality.fields_are_as_agreed(facts.task.proof if facts.task else None),
            "The vendor sent no new field and left none out.",
            warns=True,
        ),
        Check(
            "task_cache_is_fresh", quality.task_track_is_fresh, "Read at or after the timetable's last due tick.", warns=True
        ),
        Check(
            "task_vendor_speed_is_usual",
            lambda facts: vendor_speed_is_usual(facts.task_speed),
            "A page took at most three times its usual, or less than a second.",
            warns=True,
        ),
        Check(
            "task_sync_duration_is_usual",
            lambda facts: read_duration_is_usual(facts.task_speed),
            "The day's read took at most three times its usual, or less than a minute.",
            warns=True,
        ),
    ),
    "agent_ranking": (
        Check(
            "agents_add_up_to_the_day",
            lambda facts: quality.parts_add_up(facts.agent_calls, facts.agent_orders, facts, "agents"),
            "All agents' calls and orders are the day's.",
            blocking=True,
        ),
    ),
    "hourly_orders": (
        Check(
            "hours_add_up_to_the_day",
            lambda facts: quality.parts_add_up(facts.hourly_calls, facts.hourly_orders, facts, "hours"),
            "All hours' calls and orders are the day's.",
            blocking=True,
        ),
    ),
}


def specs(assets: Iterable[str], daily: dg.PartitionsDefinition) -> list[dg.AssetCheckSpec]:
    """The declarations of all checks on `assets`."""
    return [check.spec(asset, daily) for asset in assets for check in CHECKS[asset]]
