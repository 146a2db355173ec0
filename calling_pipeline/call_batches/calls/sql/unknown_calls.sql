-- Unknown calls, oldest first, each with the newest message of the log about it.
SELECT task.id, task.batch_id, task.phone, task.distinct_id, task.claimed_at, coalesce(log.message, '') AS message
FROM call_tasks AS task
LEFT JOIN LATERAL (
    SELECT message FROM call_log
    WHERE call_log.batch_id = task.batch_id AND call_task_id = task.id AND outcome = 'unknown'
    ORDER BY id DESC
    LIMIT 1
) AS log ON TRUE
WHERE task.state = 'unknown' AND (cast(:batch_id AS bigint) IS NULL OR task.batch_id = :batch_id)
ORDER BY task.id
LIMIT :limit;
