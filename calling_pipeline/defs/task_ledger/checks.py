"""The asset checks of the task ledger: they judge the whole ledger, whichever day was counted."""

import dagster as dg

from calling_pipeline.defs.checks import Check, standing_checks
from calling_pipeline.runtime import Runtime
from calling_pipeline.task_ledger import quality
from calling_pipeline.task_ledger.facts.store import ledger_facts
from calling_pipeline.task_ledger.quality import LedgerFacts

CHECKS = (
    Check("task_ids_are_unique", quality.ids_are_unique, "No task id twice, blanks and case ignored."),
    Check(
        "charges_equal_completed_paid_tasks",
        quality.charges_match,
        "Every completed paid task has one charge of its amount, and every charge its task.",
    ),
)


def checks() -> list[dg.AssetChecksDefinition]:
    """One group, on `task_usage`."""
    return [standing_checks("task_usage", CHECKS, _facts)]


def _facts(runtime: Runtime) -> LedgerFacts:
    with runtime.transaction() as connection:
        return ledger_facts(connection)
