-- Let refused calls be called again by a person's word, each under a new distinct_id: the gateway answers the old one as it
-- did. A call is left as it is in a cancelled batch, while its number is open elsewhere, and once its person was erased; the
-- caller keeps plans away.
WITH requeued AS (
    UPDATE call_tasks AS task
    SET state = 'pending', reason = NULL, resp_code = NULL, distinct_id = NULL, claim = NULL, not_before = NULL
    FROM call_batches AS batch, call_tasks AS before
    WHERE
        batch.id = task.batch_id AND batch.state <> 'cancelled' AND before.id = task.id
        AND task.state IN ('refused', 'failed') AND task.id = any(cast(:ids AS bigint[]))
        AND task.phone NOT LIKE 'erased:%'
        AND NOT EXISTS (
            SELECT FROM call_tasks AS other
            WHERE other.phone = task.phone AND other.state IN ('pending', 'pushing', 'unknown')
        )
    RETURNING task.id, task.batch_id, task.phone, before.distinct_id, task.attempts, task.claimed_at
),

logged AS (
    INSERT INTO call_log (
        call_task_id, batch_id, phone, distinct_id, attempt, outcome, message, sent_at, recorded_at, recorded_by
    )
    SELECT id, batch_id, phone, distinct_id, attempts, 'settled_retry', :note, claimed_at, :now, :by
    FROM requeued
),

decided AS (
    DELETE FROM gateway_refusals AS refusal USING requeued
    WHERE refusal.phone = requeued.phone AND refusal.call_task_id = requeued.id
)

SELECT batch_id, distinct_id FROM requeued;
