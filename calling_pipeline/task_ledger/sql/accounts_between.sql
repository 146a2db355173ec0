-- Accounts with the tasks that were created from `first` on and before `until`, as they stand now, and with what was charged in
-- that time, whenever its task was created; the one that was charged most first; or the one that is named. It reads the rows of
-- that time alone.
SELECT
    account,
    cast(sum(tasks) AS bigint) AS tasks,
    cast(sum(pending) AS bigint) AS pending,
    cast(sum(completed) AS bigint) AS completed,
    cast(sum(failed) AS bigint) AS failed,
    cast(sum(charges) AS bigint) AS charges,
    cast(sum(credits) AS bigint) AS credits,
    max(last_charged_at) AS last_charged_at
FROM (
    SELECT
        coalesce(task.account, task.created_by) AS account,
        count(*) AS tasks,
        count(*) FILTER (WHERE task.state = 'pending') AS pending,
        count(*) FILTER (WHERE task.state = 'completed') AS completed,
        count(*) FILTER (WHERE task.state = 'failed') AS failed,
        0 AS charges,
        0 AS credits,
        cast(NULL AS timestamptz) AS last_charged_at
    FROM task_ledger AS task
    WHERE task.created_at >= :first AND task.created_at < :until
    GROUP BY 1
    UNION ALL
    SELECT
        coalesce(task.account, task.created_by) AS account,
        0 AS tasks,
        0 AS pending,
        0 AS completed,
        0 AS failed,
        count(*) AS charges,
        sum(charge.credits) AS credits,
        max(charge.charged_at) AS last_charged_at
    FROM task_charges AS charge
    INNER JOIN task_ledger AS task ON charge.task_id = task.task_id
    WHERE charge.charged_at >= :first AND charge.charged_at < :until
    GROUP BY 1
) AS counted
WHERE cast(:account AS text) IS NULL OR account = :account
GROUP BY account
ORDER BY credits DESC, account
LIMIT :limit OFFSET :offset;
