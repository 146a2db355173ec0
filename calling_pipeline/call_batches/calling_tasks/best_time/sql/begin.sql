-- The best time of a calling task is switched on: nothing that was proven before counts.
INSERT INTO best_time_states (calling_task_id, since)
VALUES (:calling_task_id, :since)
ON CONFLICT (calling_task_id) DO UPDATE SET
    since = excluded.since, looked_on = NULL, proven_until = NULL, off_at = NULL, off_reason = '';
