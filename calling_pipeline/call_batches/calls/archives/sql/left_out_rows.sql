-- The first rows of a batch that were left out and never called, each with everything that is kept of it. They are locked: nobody
-- changes them until the transaction ends.
SELECT
    task.id, task.batch_id, batch.task_name, batch.day, batch.planned_at, task.source_row, task.phone, task.raw, task.staff_name,
    task.sys_name, task.order_type, task.order_nums, task.state, task.reason, task.resp_code, task.attempts, task.distinct_id,
    task.claimed_at, task.row_key, task.redial, task.redial_of, task.arm, task.slot
FROM call_tasks AS task
INNER JOIN call_batches AS batch ON task.batch_id = batch.id
WHERE task.batch_id = :batch_id AND task.state = 'skipped'
ORDER BY task.id
LIMIT :limit
FOR UPDATE OF task;
