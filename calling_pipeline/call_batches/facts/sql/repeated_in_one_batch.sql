-- Numbers that are to be called twice in one batch, each as one of its calls.
SELECT max(id) AS call, batch_id AS batch
FROM call_tasks
WHERE batch_id = :batch_id AND state <> 'skipped'
GROUP BY batch_id, phone
HAVING count(*) > 1
LIMIT :limit;
