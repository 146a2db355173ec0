-- Numbers last called by the day's batches that the call history has in several spellings, as the call that came last.
SELECT max(last_call_task_id) AS call, max(last_batch_id) AS batch
FROM call_history
GROUP BY right(regexp_replace(phone, '[^0-9]', '', 'g'), 11)
HAVING
    count(*) > 1
    AND bool_or(
        last_batch_id IN (
            SELECT id FROM call_batches
            WHERE day = :day
        )
    )
LIMIT :limit;
