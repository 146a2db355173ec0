-- Numbers last called by the day's batches that the call history has in several spellings, as the call that came last. A
-- number of another country may end like a mobile of ours and is another one.
SELECT max(last_call_task_id) AS call, max(last_batch_id) AS batch
FROM call_history
GROUP BY
    CASE
        WHEN phone LIKE 'erased:%' OR (phone LIKE '+%' AND phone NOT LIKE '+86%') THEN phone
        ELSE right(regexp_replace(phone, '[^0-9]', '', 'g'), 11)
    END
HAVING
    count(*) > 1
    AND bool_or(
        last_batch_id IN (
            SELECT id FROM call_batches
            WHERE day = :day
        )
    )
LIMIT :limit;
