-- Completed paid tasks without their charge, charges without a completed paid task, and charges of another amount.
-- A task whose charge was refused, because its act was charged under another task, is no difference.
SELECT
    coalesce(task.task_id, charge.task_id) AS task_id,
    CASE
        WHEN charge.charged_act IS NULL THEN 'completed with ' || task.credits || ' credits, not charged'
        WHEN task.task_id IS NULL THEN 'charged ' || charge.credits || ' credits without a completed paid task'
        ELSE 'completed with ' || task.credits || ' credits, charged ' || charge.credits
    END AS difference
FROM (
    SELECT task_id, credits
    FROM task_ledger
    WHERE state = 'completed' AND NOT free AND credits > 0
) AS task
FULL JOIN task_charges AS charge USING (task_id)
WHERE
    task.credits IS DISTINCT FROM charge.credits
    AND NOT EXISTS (
        SELECT FROM task_refusals AS refusal
        WHERE refusal.task_id = task.task_id AND refusal.kind = 'charge' AND charge.task_id IS NULL
    )
ORDER BY 1;
