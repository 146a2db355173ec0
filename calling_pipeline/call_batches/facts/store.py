"""What the checks ask of the database: each query gives the rows that break one promise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

REPEATED_IN_BATCH = sa.text("""
SELECT batch_id AS batch, phone, count(*) AS times FROM call_tasks
WHERE state <> 'skipped' AND batch_id IN (SELECT id FROM call_batches WHERE day BETWEEN :first AND :last)
GROUP BY batch_id, phone HAVING count(*) > 1 LIMIT :limit
""")

PUSHED_WITHOUT_LOG = sa.text("""
SELECT task.id AS call, task.batch_id AS batch FROM call_tasks AS task
WHERE task.state = 'pushed' AND task.batch_id IN (SELECT id FROM call_batches WHERE day BETWEEN :first AND :last)
  AND NOT EXISTS (SELECT FROM call_log WHERE call_log.batch_id = task.batch_id AND call_log.call_task_id = task.id
                  AND outcome IN ('pushed', 'settled_pushed'))
LIMIT :limit
""")

LOG_WITHOUT_PUSHED = sa.text("""
SELECT log.call_task_id AS call, log.batch_id AS batch FROM call_log AS log
WHERE log.outcome IN ('pushed', 'settled_pushed') AND log.batch_id IN (SELECT id FROM call_batches
    WHERE day BETWEEN :first AND :last)
  AND NOT EXISTS (SELECT FROM call_tasks AS task WHERE task.id = log.call_task_id AND task.state = 'pushed')
LIMIT :limit
""")

LOG_WITHOUT_HISTORY = sa.text("""
SELECT log.call_task_id AS call, log.batch_id AS batch FROM call_log AS log
WHERE log.outcome IN ('pushed', 'settled_pushed') AND log.batch_id IN (SELECT id FROM call_batches
    WHERE day BETWEEN :first AND :last)
  AND NOT EXISTS (SELECT FROM call_history WHERE call_history.phone = log.phone)
LIMIT :limit
""")

HISTORY_WITHOUT_LOG = sa.text("""
SELECT last_call_task_id AS call, last_batch_id AS batch FROM call_history AS history
WHERE last_batch_id IN (SELECT id FROM call_batches WHERE day BETWEEN :first AND :last)
  AND calls <> (SELECT count(*) FROM call_log WHERE call_log.phone = history.phone
                AND outcome IN ('pushed', 'settled_pushed'))
LIMIT :limit
""")

CALLED_AGAIN = sa.text("""
SELECT call_task_id AS call, batch_id AS batch FROM (
    SELECT log.call_task_id, log.batch_id, log.phone, batch.recall_days, batch.day,
           coalesce(log.sent_at, log.recorded_at) - lag(coalesce(log.sent_at, log.recorded_at)) OVER (
               PARTITION BY log.phone ORDER BY coalesce(log.sent_at, log.recorded_at), log.id) AS since_last
    FROM call_log AS log JOIN call_batches AS batch ON batch.id = log.batch_id
    WHERE log.outcome IN ('pushed', 'settled_pushed') AND log.phone IN (
        SELECT phone FROM call_log WHERE outcome IN ('pushed', 'settled_pushed')
            AND batch_id IN (SELECT id FROM call_batches WHERE day BETWEEN :first AND :last))) AS paired
WHERE day BETWEEN :first AND :last AND since_last IS NOT NULL
  AND (recall_days IS NULL OR since_last < make_interval(days => recall_days))
LIMIT :limit
""")

PUSHING = sa.text("""
SELECT id AS call, batch_id AS batch, claimed_at FROM call_tasks WHERE state = 'pushing'
    AND claimed_at < :before LIMIT :limit
""")

UNKNOWN = sa.text("""
SELECT batch_id AS batch, count(*) AS calls FROM call_tasks WHERE state = 'unknown' GROUP BY batch_id
    ORDER BY batch_id LIMIT :limit
""")

OVER_CAP = sa.text("""
SELECT call_task_id AS call, batch_id AS batch FROM call_log AS log
WHERE batch_id = :batch_id AND outcome = 'pushed'
  AND (SELECT count(*) FROM call_log AS earlier WHERE earlier.phone = log.phone AND earlier.outcome = 'pushed'
       AND earlier.sent_at <= log.sent_at AND earlier.sent_at > log.sent_at - make_interval(secs => :within_s)) > :most
LIMIT :limit
""")

REPEATED_IN_HISTORY = sa.text("""
SELECT right(regexp_replace(phone, '[^0-9]', '', 'g'), 11) AS phone, count(*) AS times FROM call_history
GROUP BY 1 HAVING count(*) > 1 LIMIT :limit
""")

DAY_TOTALS = sa.text("""
SELECT count(*) AS attempts, count(*) FILTER (WHERE outcome IN ('pushed', 'settled_pushed')) AS pushed,
       min(recorded_at) AS first, max(recorded_at) AS last
FROM call_log WHERE batch_id IN (SELECT id FROM call_batches WHERE day BETWEEN :first AND :last)
""")

HISTORY_TOTALS = sa.text("""
SELECT count(*) AS phones, coalesce(sum(calls), 0) AS calls, max(last_called_at) AS last_called_at FROM call_history
""")

EXAMPLES = 10


def breaches(
    connection: sa.Connection, query: sa.TextClause, first: dt.date, last: dt.date, **more: Any
) -> list[dict[str, Any]]:
    """Up to ten rows that break the promise `query` is about,
    in batches of the days `first` … `last`; no numbers in them."""
    rows = connection.execute(query, {"first": first, "last": last, "limit": EXAMPLES, **more})
    return [{name: value for name, value in row._mapping.items() if name != "phone"} for row in rows]


def over_caps(connection: sa.Connection, batch_id: int, caps: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Calls of a batch beyond one of its rolling caps (limit, seconds)."""
    found: list[dict[str, Any]] = []
    for most, within_s in caps:
        values = {"batch_id": batch_id, "most": most, "within_s": within_s, "limit": EXAMPLES}
        found += [dict(row._mapping) for row in connection.execute(OVER_CAP, values)]
    return found


def totals_of(connection: sa.Connection, first: dt.date, last: dt.date) -> Any:
    """Attempts and calls of the days' batches, and when the first and the last was recorded."""
    return connection.execute(DAY_TOTALS, {"first": first, "last": last}).one()


def history_totals(connection: sa.Connection) -> Any:
    """Phones and calls of the whole call history."""
    return connection.execute(HISTORY_TOTALS).one()
