"""The asset checks of the stats tracks: they read the facts of the run's days and let `quality.py` judge them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import dagster as dg

from calling_pipeline import days
from calling_pipeline.call_stats import quality
from calling_pipeline.call_stats.quality import DayFacts, Verdict
from calling_pipeline.call_stats.timetable import last_sync_due
from calling_pipeline.defs.windows import days_of_run
from calling_pipeline.runtime import Runtime

Judge = Callable[[DayFacts], Verdict]
_SHOWN = 12


@dataclass(frozen=True)
class Check:
    """One check of an asset; an ERROR check is blocking: what comes after it does not run."""

    name: str
    judge: Judge
    description: str
    warns: bool = False

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return dg.AssetCheckSeverity.WARN if self.warns else dg.AssetCheckSeverity.ERROR


def _grade_is_fresh(facts: DayFacts) -> Verdict:
    read_at = facts.grade.proof.started_at if facts.grade and facts.grade.proof else None
    return quality.is_fresh(read_at, last_sync_due("grade", facts.date, days.now()))


def _task_is_fresh(facts: DayFacts) -> Verdict:
    read_at = facts.task.proof.started_at if facts.task and facts.task.proof else None
    return quality.is_fresh(read_at, last_sync_due("task", facts.date, days.now()))


CHECKS: Mapping[str, tuple[Check, ...]] = {
    "call_records": (
        Check("fetched_rows_equal_reported_total", quality.fetch_is_complete, "Stored rows = what the vendor reported."),
        Check("call_record_ids_are_unique", quality.ids_are_unique, "One row per CDR id."),
        Check("calls_lie_in_their_day", quality.calls_lie_in_their_day, "Each call was made on its partition's day.", True),
        Check("grades_are_known", quality.grades_are_known, "At most 2 % of grades are texts the rule never met.", True),
        Check(
            "call_fields_are_as_agreed",
            lambda facts: quality.fields_are_as_agreed(facts.proof),
            "The vendor sent no new field and left none out.",
            True,
        ),
        Check(
            "incremental_reads_equal_a_full_read",
            quality.increments_equal_a_full_read,
            "A full read of the day found at most 1 % of its rows otherwise than the incremental reads before it.",
            True,
        ),
        Check(
            "calls_did_not_drop_abnormally",
            quality.no_abnormal_drop,
            "At least half the calls of the same weekday a week before, up to the same time.",
            True,
        ),
    ),
    "grade_stats_cache": (
        Check(
            "grade_cache_has_one_row_per_date", lambda facts: quality.one_row_per_date(facts.grade_rows), "One row per date."
        ),
        Check("total_success_is_grade_9_plus_grade_1", quality.sums_agree, "The sums agree, with the call records too."),
        Check("tracks_agree", quality.tracks_agree, "Both tracks count the same calls, within 5 %.", True),
        Check("grade_cache_is_fresh", _grade_is_fresh, "Read at or after the timetable's last due tick.", True),
    ),
    "task_stats_cache": (
        Check(
            "task_cache_has_one_row_per_date", lambda facts: quality.one_row_per_date(facts.task_rows), "One row per date."
        ),
        Check(
            "task_rates_are_consistent",
            lambda facts: quality.rates_are_consistent(facts.task),
            "0 ≤ success ≤ called ≤ dialled; the rate is their percentage.",
        ),
        Check(
            "task_rows_equal_reported_total",
            lambda facts: quality.task_fetch_is_complete(facts.task),
            "Dialling tasks read = what the vendor reported.",
        ),
        Check(
            "task_fields_are_as_agreed",
            lambda facts: quality.fields_are_as_agreed(facts.task.proof if facts.task else None),
            "The vendor sent no new field and left none out.",
            True,
        ),
        Check("task_cache_is_fresh", _task_is_fresh, "Read at or after the timetable's last due tick.", True),
    ),
    "agent_ranking": (
        Check(
            "agents_add_up_to_the_day",
            lambda facts: quality.parts_add_up(facts.agent_calls, facts.agent_orders, facts, "agents"),
            "All agents' calls and orders are the day's.",
        ),
    ),
    "hourly_orders": (
        Check(
            "hours_add_up_to_the_day",
            lambda facts: quality.parts_add_up(facts.hourly_calls, facts.hourly_orders, facts, "hours"),
            "All hours' calls and orders are the day's.",
        ),
    ),
}


def checks() -> list[dg.AssetChecksDefinition]:
    """One group of checks an asset: its facts are read once for all of them."""
    return [_group(asset, group) for asset, group in CHECKS.items()]


def _group(asset: str, group: tuple[Check, ...]) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(check.name, asset=asset, description=check.description, blocking=not check.warns)
        for check in group
    ]

    @dg.multi_asset_check(name=f"{asset}_checks", specs=specs, can_subset=True)
    def evaluate(
        context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[dg.AssetCheckResult]:
        from calling_pipeline.call_stats.facts.store import day_facts

        facts = []
        for day in days_of_run(context.run.tags):
            with runtime.transaction() as connection:
                facts.append(day_facts(connection, day))
        chosen = {key.name for key in context.op_execution_context.selected_asset_check_keys}
        for check in group:
            if check.name in chosen:
                yield result_of(check, asset, {str(fact.date): check.judge(fact) for fact in facts})

    return evaluate


def result_of(check: Check, asset: str, verdicts: Mapping[str, Verdict]) -> dg.AssetCheckResult:
    """All days' verdicts as one result: the failing days first, the numbers of the last day for the plots."""
    bad = [day for day, verdict in verdicts.items() if not verdict.passed]
    ordered = [*bad, *(day for day in verdicts if day not in bad)]
    records = [
        dg.TableRecord({"day": day, "passed": verdicts[day].passed, "finding": verdicts[day].sentence})
        for day in ordered[:_SHOWN]
    ]
    newest = verdicts[max(verdicts)]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=check.name,
        passed=not bad,
        severity=check.severity,
        description="; ".join(f"{day}: {verdicts[day].sentence}" for day in (bad or ordered)[:3]),
        metadata={
            **newest.numbers,
            "days": len(verdicts),
            "bad_days": ", ".join(bad) or "none",
            "findings": dg.MetadataValue.table(records),
        },
    )
