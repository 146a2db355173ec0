-- Days of the task dimension that were counted since then, as the old cache has them.
SELECT
    date, total_tasks, callout_number, called_number, success_number, connected_rate, task_calculated_at AS calculated_at,
    task_sync_type AS sync_type
FROM daily_history
WHERE task_fetch_number > 0 AND task_calculated_at >= :since
ORDER BY date
