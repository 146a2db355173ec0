-- Pending calls, when the first of them may be made, and calls being pushed: each state by an index of its own.
SELECT
    count(*) AS pending, min(coalesce(not_before, :now)) AS next_due,
    (
        SELECT count(*) FROM call_tasks
        WHERE batch_id = :batch_id AND state = 'pushing'
    ) AS pushing
FROM call_tasks
WHERE batch_id = :batch_id AND state = 'pending';
