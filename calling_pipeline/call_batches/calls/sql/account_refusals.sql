-- The refused calls of a batch for which our account, not the number, was refused; with `code` those refused with it instead.
SELECT task.id
FROM call_tasks AS task
LEFT JOIN gateway_refusals AS refusal ON task.phone = refusal.phone AND task.id = refusal.call_task_id
WHERE
    task.batch_id = :batch_id AND task.state IN ('refused', 'failed')
    AND CASE WHEN cast(:code AS text) IS NULL THEN refusal.about = 'account' ELSE task.resp_code = :code END
ORDER BY task.id;
