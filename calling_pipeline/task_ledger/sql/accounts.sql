-- Accounts with what their tasks come to, the one that was charged most first; or the one that is named.
SELECT account, tasks, pending, completed, failed, charges, credits, last_charged_at
FROM task_accounts
WHERE cast(:account AS text) IS NULL OR account = :account
ORDER BY credits DESC, account
LIMIT :limit OFFSET :offset;
