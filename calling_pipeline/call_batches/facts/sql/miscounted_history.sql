-- Numbers last called by the day's batches, of which the history counts other calls than the log has; those made elsewhere,
-- which an import brought, are in no log.
SELECT last_call_task_id AS call, last_batch_id AS batch
FROM call_history AS history
WHERE
    last_batch_id IN (
        SELECT id FROM call_batches
        WHERE day = :day
    )
    AND calls - imported_calls <> (
        SELECT count(*) FROM call_log
        WHERE call_log.phone = history.phone AND outcome IN ('pushed', 'settled_pushed')
    )
LIMIT :limit;
