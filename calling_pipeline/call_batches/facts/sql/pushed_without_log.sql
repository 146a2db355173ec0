-- Pushed calls of the day's batches that have no log row.
SELECT task.id AS call, task.batch_id AS batch
FROM call_tasks AS task
WHERE
    task.state = 'pushed' AND task.batch_id IN (
        SELECT id FROM call_batches
        WHERE day = :day
    )
    AND NOT EXISTS (
        SELECT FROM call_log
        WHERE
            call_log.batch_id = task.batch_id AND call_log.call_task_id = task.id
            AND outcome IN ('pushed', 'settled_pushed')
    )
LIMIT :limit;
