-- Every row with a number in the batches that still have their rows, newest batch first, and why each was not called.
SELECT
    task.id, task.batch_id, batch.task_name, batch.day, batch.state AS batch_state, task.source_row, task.phone, task.raw,
    task.state, task.reason, task.resp_code, task.attempts, task.distinct_id, task.claimed_at,
    task.row_key, task.redial, task.redial_of, batch.planned_at
FROM call_tasks AS task
INNER JOIN call_batches AS batch ON task.batch_id = batch.id
WHERE task.phone = :phone
ORDER BY task.batch_id DESC, task.source_row ASC
LIMIT :limit;
