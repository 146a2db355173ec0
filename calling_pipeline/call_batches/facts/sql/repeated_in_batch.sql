-- Numbers that are to be called twice in one batch of the day.
SELECT batch_id AS batch, count(*) AS times
FROM call_tasks
WHERE
    state <> 'skipped' AND batch_id IN (
        SELECT id FROM call_batches
        WHERE day = :day
    )
GROUP BY batch_id, phone
HAVING count(*) > 1
LIMIT :limit;
