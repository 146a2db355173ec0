"""Dagster's event log as what it is in production: tables that a statement of ours can read.

Its classes are not imported for that: they bring Alembic along, and the code location loads without a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage


def sql_events(instance: dg.DagsterInstance) -> SqlEventLogStorage | None:
    """The event log of `instance`; None when it is not kept in SQL."""
    storage = instance.event_log_storage
    return cast("SqlEventLogStorage", storage) if hasattr(storage, "index_connection") else None
