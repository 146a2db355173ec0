"""Asset checks of telephony: they read what the stores find and let `quality.py` judge."""

import datetime as dt
from typing import Any

import dagster as dg
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.defs.windows import days_of_run
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony import quality
from calling_pipeline.telephony.quality import Finding
from calling_pipeline.telephony.records import Reconciled

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
        wanted = days_of_run(context.op_execution_context.run_tags)
        with runtime.transaction() as connection:
            finding = quality.reconciled_is_billed([row for day in wanted for row in _differences(connection, day)])
        return dg.AssetCheckResult(passed=finding.passed, severity=dg.AssetCheckSeverity.WARN, metadata=_metadata(finding))

    return [extension_pool_checks, reconciled_equals_billed]


def _pool_findings(connection: sa.Connection) -> dict[str, Finding]:
    from calling_pipeline.telephony.billing import store as bill_store

    now = days.now()
    held = bill_store.held_without_call(connection, now - dt.timedelta(seconds=_ALLOCATION_S))
    overdue = bill_store.overdue(connection, now - _SWEEP_LATE)
    unmatched = bill_store.old_unmatched(connection, now - _CALLBACK_UNMATCHED)
    return {
        "extension_has_one_holder": quality.extension_has_one_holder(bill_store.shared_extensions(connection)),
        "collector_holds_one_extension": quality.collector_holds_one_extension(bill_store.greedy_collectors(connection)),
        "in_use_means_an_open_call": quality.in_use_means_an_open_call(held, bill_store.calls_without_extension(connection)),
        "no_call_is_stuck": quality.nothing_is_stuck(overdue, unmatched),
    }


def _differences(connection: sa.Connection, day: dt.date) -> list[Reconciled]:
    """Every configuration's day as it stands in the tables."""
    from calling_pipeline.telephony.billing import store as bill_store
    from calling_pipeline.telephony.billing.reconcile import SETTLING
    from calling_pipeline.telephony.tenants import store as tenant_store

    rows, _ = tenant_store.configs(connection, tenant_id=None)
    first, end = days.day_bounds(day)
    found = []
    for row in rows:
        counts = bill_store.counts(connection, row.id, day, first, end, days.now() - SETTLING)
        found.append(
            Reconciled(
                config_id=row.id,
                tenant_id=row.tenant_id,
                day=day,
                settled=0,
                recordings=0,
                **counts._mapping,
            )
        )
    return found


def _result(check: dg.AssetCheckKey, finding: Finding) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=check.asset_key, check_name=check.name, passed=finding.passed, metadata=_metadata(finding)
    )


def _metadata(finding: Finding) -> dict[str, Any]:
    return {"finding": finding.sentence, "examples": list(finding.examples)}
