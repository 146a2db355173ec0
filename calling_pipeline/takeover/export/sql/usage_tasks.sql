-- Tasks of the ledger that changed since then, as the old list of a user's tasks has them.
SELECT
    details ->> 'user' AS user_id, task_id AS "taskId", state AS status, feature, credits, created_at AS "createdAt",
    updated_at AS "updatedAt"
FROM task_ledger
WHERE updated_at >= :since
ORDER BY task_id
