-- Batches that are not over, and those that are over with calls whose outcome is unknown; each with its calls that are open.
WITH open_calls AS (
    SELECT
        batch_id,
        count(*) FILTER (WHERE state = 'pending') AS pending,
        count(*) FILTER (WHERE state = 'pushing') AS pushing,
        count(*) FILTER (WHERE state = 'unknown') AS unknown
    FROM call_tasks
    WHERE state = 'pending' OR state IN ('pushing', 'unknown')
    GROUP BY batch_id
)

SELECT
    batch.id,
    batch.task_name,
    batch.day,
    batch.state,
    batch.note,
    coalesce(open_calls.pending, 0) AS pending,
    coalesce(open_calls.pushing, 0) AS pushing,
    coalesce(open_calls.unknown, 0) AS unknown
FROM call_batches AS batch
LEFT JOIN open_calls ON batch.id = open_calls.batch_id
WHERE batch.state NOT IN ('cancelled', 'completed') OR open_calls.unknown > 0
ORDER BY batch.id;
