-- Release claims that were certainly not sent: pending again, or skipped when the batch was cancelled.
UPDATE call_tasks AS task
SET
    state = CASE WHEN batch.state = 'cancelled' THEN 'skipped' ELSE 'pending' END,
    reason = CASE WHEN batch.state = 'cancelled' THEN 'cancelled' END,
    attempts = attempts - 1, claim = NULL
FROM call_batches AS batch
WHERE
    batch.id = task.batch_id AND task.claim = cast(:claim AS uuid) AND task.state = 'pushing'
    AND (cast(:ids AS bigint[]) IS NULL OR task.id = any(:ids)) AND batch.id = :batch_id
RETURNING task.distinct_id;
