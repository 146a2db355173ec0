-- The rows of a batch in the source's order, those behind `after` (a source row), of one state and one reason where given.
-- A row that was refused has the gateway's words as its reason.
SELECT
    task.id, task.batch_id, batch.task_name, batch.day, batch.state AS batch_state, task.source_row, task.phone, task.raw,
    task.state, task.reason, task.resp_code, task.attempts, task.distinct_id, task.claimed_at,
    task.row_key, task.redial, task.redial_of
FROM call_tasks AS task
INNER JOIN call_batches AS batch ON task.batch_id = batch.id
WHERE
    task.batch_id = :batch_id AND task.source_row > :after
    AND (cast(:state AS text) IS NULL OR task.state = :state)
    AND (cast(:reason AS text) IS NULL OR task.reason = :reason)
ORDER BY task.source_row
LIMIT :limit OFFSET :offset;
