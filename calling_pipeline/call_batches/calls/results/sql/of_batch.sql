-- The pushed calls of a batch with their results in the source's order, those behind `after` (a source row), of one result
-- where given. A call that was never joined is waiting.
SELECT
    task.id, task.batch_id, task.source_row, task.row_key, task.phone,
    coalesce(found.pushed_at, task.claimed_at) AS pushed_at,
    coalesce(found.result, 'waiting') AS result,
    found.called_at, found.talk_s,
    coalesce(found.order_yuan, 0) AS order_yuan,
    found.agent_id, found.hangup_reason, found.province, found.record_id, found.judged_at
FROM call_tasks AS task
LEFT JOIN call_results AS found ON task.id = found.call_task_id
WHERE
    task.batch_id = :batch_id AND task.state = 'pushed' AND task.source_row > :after
    AND (cast(:result AS text) IS NULL OR coalesce(found.result, 'waiting') = :result)
ORDER BY task.source_row
LIMIT :limit OFFSET :offset;
