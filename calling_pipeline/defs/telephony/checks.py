"""The asset checks of telephony: the pool as it stands, and each day of calls against Infinity's bill."""

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.checks import Check, daily_checks, standing_checks
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony import quality
from calling_pipeline.telephony.billing.reconcile import compare_day
from calling_pipeline.telephony.monitoring.facts.store import pool_facts
from calling_pipeline.telephony.quality import PoolFacts

POOL_CHECKS = (
    Check("extension_has_one_holder", quality.extension_has_one_holder, "No extension serves two open calls."),
    Check("collector_holds_one_extension", quality.collector_holds_one_extension, "No collector holds two extensions."),
    Check(
        "in_use_means_an_open_call",
        quality.in_use_means_an_open_call,
        "An extension is in use exactly while a communication record is open.",
    ),
    Check(
        "no_call_is_stuck",
        quality.nothing_is_stuck,
        "The sweep looks into every open call, and every callback finds its call.",
    ),
)
BILL_CHECKS = (
    Check(
        "reconciled_equals_billed",
        quality.reconciled_is_billed,
        "Our records and Infinity's bill name the same calls.",
        warns=True,
    ),
)


def checks(daily: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of `extension_pool` and `communication_records`."""
    return [
        standing_checks("extension_pool", POOL_CHECKS, _pool_facts),
        daily_checks("communication_records", BILL_CHECKS, compare_day, daily),
    ]


def _pool_facts(runtime: Runtime) -> PoolFacts:
    with runtime.transaction() as connection:
        return pool_facts(connection, days.now())
