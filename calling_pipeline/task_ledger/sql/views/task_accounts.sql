-- What the tasks of each account come to. A task without an account is that of whoever made it; credits are what was charged.
CREATE VIEW task_accounts AS
SELECT
    coalesce(task.account, task.created_by) AS account,
    count(*) AS tasks,
    count(*) FILTER (WHERE task.state = 'pending') AS pending,
    count(*) FILTER (WHERE task.state = 'completed') AS completed,
    count(*) FILTER (WHERE task.state = 'failed') AS failed,
    count(charge.task_id) AS charges,
    cast(coalesce(sum(charge.credits), 0) AS bigint) AS credits,
    max(charge.charged_at) AS last_charged_at
FROM task_ledger AS task
LEFT JOIN task_charges AS charge ON charge.task_id = task.task_id
GROUP BY coalesce(task.account, task.created_by);
