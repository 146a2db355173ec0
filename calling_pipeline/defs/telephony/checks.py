"""Asset checks of telephony: they read what the stores find and let `quality.py` judge."""

import datetime as dt
from typing import Any

import dagster as dg
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.defs.windows import days_of_run
from calling_pipeline.quality import Finding
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony import quality

_POOL_CHECKS = {
    "extension_has_one_holder": "No extension serves two open calls.",
    "collector_holds_one_extension": "No collector holds two extensions.",
    "in_use_means_an_open_call": "An extension is in use exactly while a communication record is open.",
    "no_call_is_stuck": "The sweep looks into every open call, and every callback finds its call.",
}
_ALLOCATION_S = 30
_SWEEP_LATE = dt.timedelta(minutes=10)
_CALLBACK_UNMATCHED = dt.timedelta(hours=1)


def checks(daily: dg.DailyPartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of `extension_pool` and `communication_records`."""

    @dg.multi_asset_check(
        specs=[dg.AssetCheckSpec(name, asset="extension_pool", description=text) for name, text in _POOL_CHECKS.items()],
        can_subset=True,
    )
    def extension_pool_checks(context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]):  # type: ignore[no-untyped-def]
        with runtime.transaction() as connection:
            findings = _pool_findings(connection)
        for check in sorted(context.op_execution_context.selected_asset_check_keys):
            yield _result(check, findings[check.name])

    @dg.asset_check(
        asset="communication_records",
        name="reconciled_equals_billed",
        description="Our records and Infinity's bill name the same calls.",
    )
    def reconciled_equals_billed(
        context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.AssetCheckResult:
        from calling_pipeline.telephony.billing.reconcile import compare_day

        wanted = days_of_run(context.op_execution_context.run_tags)
        with runtime.transaction() as connection:
            finding = quality.reconciled_is_billed([row for day in wanted for row in compare_day(connection, day)])
        return dg.AssetCheckResult(passed=finding.passed, severity=dg.AssetCheckSeverity.WARN, metadata=_metadata(finding))

    return [extension_pool_checks, reconciled_equals_billed]


def _pool_findings(connection: sa.Connection) -> dict[str, Finding]:
    from calling_pipeline.telephony.facts import store as fact_store

    now = days.now()
    held = fact_store.extensions_without_call(connection, now - dt.timedelta(seconds=_ALLOCATION_S))
    overdue = fact_store.overdue_calls(connection, now - _SWEEP_LATE)
    unmatched = fact_store.unmatched_callbacks(connection, now - _CALLBACK_UNMATCHED)
    return {
        "extension_has_one_holder": quality.extension_has_one_holder(fact_store.extensions_with_two_calls(connection)),
        "collector_holds_one_extension": quality.collector_holds_one_extension(
            fact_store.collectors_with_two_extensions(connection)
        ),
        "in_use_means_an_open_call": quality.in_use_means_an_open_call(held, fact_store.calls_without_extension(connection)),
        "no_call_is_stuck": quality.nothing_is_stuck(overdue, unmatched),
    }


def _result(check: dg.AssetCheckKey, finding: Finding) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=check.asset_key, check_name=check.name, passed=finding.passed, metadata=_metadata(finding)
    )


def _metadata(finding: Finding) -> dict[str, Any]:
    return {"finding": finding.sentence, "examples": list(finding.examples)}
