-- Pending calls that may be claimed now, in the source's order, locked; rows that another session holds are passed over.
-- `called_before`: a call within the recall window other than this one and the one that it redials; one made elsewhere has no
-- `last_call_task_id`. `redials`: it redials one within that window, so its rule is to be asked again.
SELECT
    task.id, task.phone, task.staff_name, task.sys_name, task.order_type, task.order_nums, task.distinct_id, task.attempts,
    coalesce(history.last_call_task_id <> task.redial_of, history.phone IS NOT NULL) AS called_before,
    coalesce(history.last_call_task_id = task.redial_of, FALSE) AS redials
FROM (
    SELECT * FROM call_tasks
    WHERE batch_id = :batch_id AND state = 'pending' AND (not_before IS NULL OR not_before <= :now)
    ORDER BY source_row
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
) AS task
LEFT JOIN call_history AS history
    ON
        history.phone = task.phone AND history.last_call_task_id IS DISTINCT FROM task.id
        AND (cast(:recall_from AS timestamptz) IS NULL OR history.last_called_at > :recall_from)
ORDER BY task.source_row;
