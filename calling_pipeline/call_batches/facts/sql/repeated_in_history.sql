-- Numbers that the call history has in several spellings, as the call that came last.
SELECT max(last_call_task_id) AS call, max(last_batch_id) AS batch
FROM call_history
GROUP BY right(regexp_replace(phone, '[^0-9]', '', 'g'), 11)
HAVING count(*) > 1
LIMIT :limit;
