"""All SQL of the task ledger. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.database.engine import driver_connection
from calling_pipeline.database.prepared import Prepared
from calling_pipeline.task_ledger.records import Refusal, Saved, Task, Usage


def save(connection: sa.Connection, values: Mapping[str, Any]) -> Saved:
    """Run the function that saves a task; `values` are its parameters, validated."""
    row = _SAVE.one(driver_connection(connection), values)
    assert row is not None
    return Saved(*row)


def task(connection: sa.Connection, task_id: str) -> Task | None:
    """One task, None when the ledger does not know it."""
    row = connection.execute(_TASK, {"task_id": task_id}).one_or_none()
    return Task(**row._mapping) if row else None


def tasks(connection: sa.Connection, *, feature: str | None, state: str | None, limit: int) -> list[Task]:
    """The newest tasks, optionally of one feature or in one state."""
    rows = connection.execute(_TASKS, {"feature": feature, "state": state, "limit": limit})
    return [Task(**row._mapping) for row in rows]


def refusals(connection: sa.Connection, *, task_id: str | None = None, limit: int = 100) -> list[Refusal]:
    """The newest refusals, optionally of one task."""
    return [Refusal(**row._mapping) for row in connection.execute(_REFUSALS, {"task_id": task_id, "limit": limit})]


def usage(connection: sa.Connection, first: dt.datetime, end: dt.datetime) -> list[Usage]:
    """Tasks and credits by day and feature between two instants (half-open), counted from the ledger itself."""
    return [Usage(**row._mapping) for row in connection.execute(_USAGE, {"first": first, "end": end})]


def replace_usage(connection: sa.Connection, day: dt.date, rows: Sequence[Usage], now: dt.datetime) -> None:
    """Replace what `task_usage` says about one day."""
    connection.execute(_FORGET_USAGE, {"day": day})
    if rows:
        connection.execute(_ADD_USAGE, [{**vars(row), "now": now} for row in rows])


def charge_differences(connection: sa.Connection) -> list[tuple[str, str]]:
    """Task id and difference: completed paid tasks without their charge, and charges without theirs."""
    return [(row.task_id, row.difference) for row in connection.execute(_CHARGE_DIFFERENCES)]


def repeated_ids(connection: sa.Connection) -> list[str]:
    """Task ids that are in the ledger more than once when blanks around them and capitals are ignored.

    The primary key excludes equal ids: a row means a broken index or two spellings of one task.
    """
    return list(connection.execute(_REPEATED_IDS).scalars())


_SAVE = Prepared(
    sa.text(
        "SELECT * FROM save_task("
        "CAST(:task_id AS text), CAST(:feature AS text), CAST(:state AS text), CAST(:credits AS bigint),"
        " CAST(:free AS boolean), CAST(:charge_key AS text), CAST(:details AS jsonb), CAST(:now AS timestamptz),"
        " CAST(:by AS text))"
    )
)
"""Insert or move one task, charge it, and keep what was refused: one call of a function (migration 0009) whose first
statement decides. Concurrent savers of one task queue at its row, so each judges what the one before him left; concurrent
charges of one act queue at the act's key."""

_TASK = sa.text(
    """
    SELECT task_id, t.feature, state, t.credits, free, c.credits AS charged, details, created_at, created_by,
        updated_at, updated_by, finished_at, saves
    FROM task_ledger AS t LEFT JOIN task_charges AS c USING (task_id)
    WHERE task_id = :task_id
    """
)

_TASKS = sa.text(
    """
    SELECT task_id, t.feature, state, t.credits, free, c.credits AS charged, details, created_at, created_by,
        updated_at, updated_by, finished_at, saves
    FROM task_ledger AS t LEFT JOIN task_charges AS c USING (task_id)
    WHERE (CAST(:feature AS text) IS NULL OR t.feature = :feature) AND (CAST(:state AS text) IS NULL OR state = :state)
    ORDER BY created_at DESC, task_id
    LIMIT :limit
    """
)

_REFUSALS = sa.text(
    """
    SELECT task_id, kind, from_state, to_state, credits, reason, refused_by, refused_at
    FROM task_refusals
    WHERE CAST(:task_id AS text) IS NULL OR task_id = :task_id
    ORDER BY id DESC
    LIMIT :limit
    """
)

_USAGE = sa.text(
    """
    SELECT CAST(at AS date) AS date, feature,
        count(*) FILTER (WHERE kind = 'created') AS created,
        count(*) FILTER (WHERE kind = 'completed') AS completed,
        count(*) FILTER (WHERE kind = 'failed') AS failed,
        count(*) FILTER (WHERE kind = 'created' AND open) AS pending,
        count(*) FILTER (WHERE kind = 'charge') AS charges,
        CAST(coalesce(sum(credits), 0) AS bigint) AS credits,
        count(*) FILTER (WHERE kind = 'refusal') AS refusals
    FROM (
        SELECT created_at AS at, feature, 'created' AS kind, state = 'pending' AS open, 0 AS credits
        FROM task_ledger WHERE created_at >= :first AND created_at < :end
        UNION ALL
        SELECT finished_at, feature, state, false, 0
        FROM task_ledger WHERE finished_at >= :first AND finished_at < :end
        UNION ALL
        SELECT charged_at, feature, 'charge', false, credits
        FROM task_charges WHERE charged_at >= :first AND charged_at < :end
        UNION ALL
        SELECT refused_at, t.feature, 'refusal', false, 0
        FROM task_refusals JOIN task_ledger AS t USING (task_id) WHERE refused_at >= :first AND refused_at < :end
    ) AS happened
    GROUP BY 1, 2
    ORDER BY 1, 2
    """
)

_FORGET_USAGE = sa.text("DELETE FROM task_usage WHERE date = :day")

_ADD_USAGE = sa.text(
    """
    INSERT INTO task_usage (date, feature, created, completed, failed, pending, charges, credits, refusals, calculated_at)
    VALUES (:date, :feature, :created, :completed, :failed, :pending, :charges, :credits, :refusals, :now)
    """
)

_CHARGE_DIFFERENCES = sa.text(
    """
    SELECT coalesce(t.task_id, c.task_id) AS task_id,
        CASE
            WHEN c.charged_act IS NULL THEN 'completed with ' || t.credits || ' credits, not charged'
            WHEN t.task_id IS NULL THEN 'charged ' || c.credits || ' credits without a completed paid task'
            ELSE 'completed with ' || t.credits || ' credits, charged ' || c.credits
        END AS difference
    FROM (SELECT * FROM task_ledger WHERE state = 'completed' AND NOT free AND credits > 0) AS t
    FULL JOIN task_charges AS c USING (task_id)
    WHERE t.credits IS DISTINCT FROM c.credits
        AND NOT EXISTS (
            SELECT FROM task_refusals AS r WHERE r.task_id = t.task_id AND r.kind = 'charge' AND c.task_id IS NULL)
    ORDER BY 1
    """
)

_REPEATED_IDS = sa.text("SELECT min(task_id) FROM task_ledger GROUP BY lower(btrim(task_id)) HAVING count(*) > 1 ORDER BY 1")
