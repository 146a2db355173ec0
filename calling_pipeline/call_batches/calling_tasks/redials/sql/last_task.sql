-- The calling task that called a number last; no row when none did.
SELECT batch.calling_task_id
FROM call_history AS history
INNER JOIN call_batches AS batch ON batch.id = history.last_batch_id
WHERE history.phone = :phone;
