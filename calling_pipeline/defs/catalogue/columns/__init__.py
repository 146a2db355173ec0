"""What every column of every asset's table holds, table by table: the same name may mean another thing elsewhere."""

from collections.abc import Mapping

from calling_pipeline.defs.catalogue.columns import (
    call_batches,
    call_stats,
    contact_policy,
    notifications,
    reports,
    task_ledger,
    telephony,
)

COLUMNS: Mapping[str, Mapping[str, str]] = {
    **call_stats.COLUMNS,
    **call_batches.COLUMNS,
    **contact_policy.COLUMNS,
    **notifications.COLUMNS,
    **reports.COLUMNS,
    **task_ledger.COLUMNS,
    **telephony.COLUMNS,
}
"""Table → column → what it holds. A column that is not here is described by its comment in the database."""

PERSONAL: Mapping[str, Mapping[str, str]] = {
    **call_stats.PERSONAL,
    **call_batches.PERSONAL,
    **contact_policy.PERSONAL,
    **notifications.PERSONAL,
    **telephony.PERSONAL,
}
"""Table → column → the kind of personal data it holds: `phone`, `name`, `free_text`, `masked` or `hash`."""
