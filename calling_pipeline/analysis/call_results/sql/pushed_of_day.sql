-- The numbers that the day's batches pushed, each once, with the first and the last claim of a pushed call of them all.
SELECT
    task.phone,
    min(min(task.claimed_at)) OVER () AS first_at,
    max(max(task.claimed_at)) OVER () AS last_at
FROM call_batches AS batch
INNER JOIN call_tasks AS task ON batch.id = task.batch_id
WHERE batch.day = :day AND task.state = 'pushed'
GROUP BY task.phone;
