-- Calls that a process which is gone left in `pushing` are unknown, each with a log row that says why.
-- Only for the holder of the batch's lock.
WITH orphan AS (
    UPDATE call_tasks SET state = 'unknown'
    WHERE batch_id = :batch_id AND state = 'pushing'
    RETURNING id, batch_id, phone, distinct_id, attempts, claimed_at
)

INSERT INTO call_log (
    call_task_id, batch_id, phone, distinct_id, attempt, outcome, message, sent_at, recorded_at, recorded_by
)
SELECT id, batch_id, phone, distinct_id, attempts, 'unknown', :why, claimed_at, :now, :by
FROM orphan;
