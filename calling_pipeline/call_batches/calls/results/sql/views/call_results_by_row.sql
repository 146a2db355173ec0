-- Every pushed call by the source's own key of its row, for those who own the rows: numbers masked as pages show them. A call
-- that was not joined with call records yet is waiting.
CREATE OR REPLACE VIEW call_results_by_row AS
SELECT
    batch.task_name AS calling_task,
    batch.source,
    batch.id AS batch_id,
    batch.day,
    task.row_key,
    task.source_row,
    CASE
        WHEN length(task.phone) >= 11 THEN left(task.phone, 3) || '****' || right(task.phone, 4)
        WHEN length(task.phone) > 4 THEN repeat('*', length(task.phone) - 2) || right(task.phone, 2)
        ELSE repeat('*', length(task.phone))
    END AS phone_masked,
    coalesce(found.pushed_at, task.claimed_at) AS pushed_at,
    coalesce(found.result, 'waiting') AS result,
    found.called_at,
    found.talk_s,
    coalesce(found.order_yuan, 0) AS order_yuan,
    found.agent_id,
    found.hangup_reason,
    found.province,
    found.judged_at,
    task.id AS call_id
FROM call_tasks AS task
INNER JOIN call_batches AS batch ON task.batch_id = batch.id
LEFT JOIN call_results AS found ON task.id = found.call_task_id
WHERE task.state = 'pushed';
