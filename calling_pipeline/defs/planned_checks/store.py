"""Rows of checks that Dagster planned and nothing will resolve. They would show a check as skipped that was judged before.

Dagster plans a check for each day of a run, also one that has no day and is evaluated once; and it never removes what it
planned for a step that did not run.
"""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg
import sqlalchemy as sa

from calling_pipeline.defs.instance.events import sql_events
from calling_pipeline.defs.naming import asset_key

_COLUMNS = ("run_id", "asset_key", "check_name", "partition", "execution_status")
_TABLE = sa.table("asset_check_executions", *(sa.column(name) for name in _COLUMNS))
_ROWS = _TABLE.c


def forget_days(instance: dg.DagsterInstance, run_id: str, asset: str, checks: Collection[str]) -> int:
    """Remove the rows that the run has planned by day for these checks, which have no day; returns how many there were."""
    return _forget(
        instance,
        _ROWS.run_id == run_id,
        _ROWS.asset_key == asset_key(asset).to_string(),
        _ROWS.check_name.in_(checks),
        _ROWS.partition.is_not(None),
    )


def forget_unjudged(instance: dg.DagsterInstance, run_id: str) -> int:
    """Remove what a run that has ended planned and did not judge; returns how many rows there were."""
    return _forget(instance, _ROWS.run_id == run_id)


def _forget(instance: dg.DagsterInstance, *which: sa.ColumnElement[bool]) -> int:
    storage = sql_events(instance)
    if storage is None:
        return 0
    planned = sa.delete(_TABLE).where(_ROWS.execution_status == "PLANNED", *which)
    with storage.index_connection() as connection:
        return connection.execute(planned).rowcount
