-- Log rows of calls that were made, whose number is not in the history.
SELECT log.call_task_id AS call, log.batch_id AS batch
FROM call_log AS log
WHERE
    log.outcome IN (
        'pushed', 'settled_pushed') AND log.batch_id IN (
        SELECT id FROM call_batches
        WHERE day = :day
    )
    AND NOT EXISTS (
        SELECT FROM call_history
        WHERE call_history.phone = log.phone
    )
LIMIT :limit;
