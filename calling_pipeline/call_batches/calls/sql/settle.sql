-- Settle unknown calls by a person's word, with log and history. A call that is no longer unknown is left alone, so of two
-- people who settle it only the first counts. One to be called again is skipped when its batch was cancelled.
WITH settled AS (
    UPDATE call_tasks AS task
    SET
        state = CASE WHEN :pushed THEN 'pushed' WHEN batch.state = 'cancelled' THEN 'skipped' ELSE 'pending' END,
        reason = CASE WHEN NOT :pushed AND batch.state = 'cancelled' THEN 'cancelled' END,
        claim = NULL, not_before = NULL
    FROM call_batches AS batch
    WHERE batch.id = task.batch_id AND task.state = 'unknown' AND task.id = any(cast(:ids AS bigint[]))
    RETURNING
        task.id, task.batch_id, task.phone, task.distinct_id, task.attempts, task.claimed_at, task.staff_name,
        task.sys_name, task.order_type, task.order_nums
),

logged AS (
    INSERT INTO call_log (
        call_task_id, batch_id, phone, distinct_id, attempt, outcome, message, sent_at, recorded_at, recorded_by
    )
    SELECT
        id, batch_id, phone, distinct_id, attempts, CASE WHEN :pushed THEN 'settled_pushed' ELSE 'settled_retry' END,
        :note, claimed_at, :now, :by
    FROM settled
),

remembered AS (
    INSERT INTO call_history AS known (
        phone, first_called_at, last_called_at, calls, last_batch_id, last_call_task_id, staff_name, sys_name, order_type,
        order_nums, updated_time
    )
    SELECT DISTINCT ON (phone)
        phone, claimed_at, claimed_at, 1, batch_id, id, staff_name, sys_name, order_type, order_nums,
        cast(:now AS timestamptz)
    FROM settled
    WHERE :pushed
    ORDER BY phone, id DESC
    ON CONFLICT (phone) DO UPDATE SET
        last_called_at = greatest(known.last_called_at, excluded.last_called_at),
        calls = known.calls + 1, last_batch_id = excluded.last_batch_id, last_call_task_id = excluded.last_call_task_id,
        staff_name = excluded.staff_name, sys_name = excluded.sys_name, order_type = excluded.order_type,
        order_nums = excluded.order_nums, updated_time = excluded.updated_time
)

SELECT id, batch_id, distinct_id FROM settled;
