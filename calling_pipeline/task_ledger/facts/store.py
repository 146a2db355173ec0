"""SQL that gathers what the checks of the task ledger judge. It reads and changes nothing."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.database.sql import load
from calling_pipeline.task_ledger.quality import LedgerFacts
from calling_pipeline.task_ledger.tables import task_ledger

_CHARGE_DIFFERENCES = load("task_ledger/facts/charge_differences")


def ledger_facts(connection: sa.Connection) -> LedgerFacts:
    """Everything the checks need about the whole ledger."""
    return LedgerFacts(repeated_ids(connection), charge_differences(connection))


def repeated_ids(connection: sa.Connection) -> list[str]:
    """Task ids that are in the ledger more than once when the blanks around them and their case are ignored.

    The key makes equal ids impossible: one found here is a broken index, or one task in two spellings.
    """
    first = sa.func.min(task_ledger.c.task_id)
    spelling = sa.func.lower(sa.func.btrim(task_ledger.c.task_id))
    query = sa.select(first).group_by(spelling).having(sa.func.count() > 1).order_by(first)
    return list(connection.execute(query).scalars())


def charge_differences(connection: sa.Connection) -> list[tuple[str, str]]:
    """Task id and difference: completed paid tasks without their charge, and charges without their task."""
    return [(row.task_id, row.difference) for row in connection.execute(_CHARGE_DIFFERENCES)]
