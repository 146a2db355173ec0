-- Copy the day's row of the task cache into the history. The numbers of a newer read (a higher fetch number) stay; the
-- grade track's numbers of the day are not touched.
INSERT INTO daily_history AS kept (
    date, total_tasks, callout_number, called_number, success_number, connected_rate,
    task_calculated_at, task_sync_type, task_fetch_number, updated_at
)
SELECT
    date,
    total_tasks,
    callout_number,
    called_number,
    success_number,
    connected_rate,
    calculated_at,
    sync_type,
    fetch_number,
    :now
FROM task_stats_cache
WHERE date = :day
ON CONFLICT (date) DO UPDATE SET
    total_tasks = excluded.total_tasks,
    callout_number = excluded.callout_number,
    called_number = excluded.called_number,
    success_number = excluded.success_number,
    connected_rate = excluded.connected_rate,
    task_calculated_at = excluded.task_calculated_at,
    task_sync_type = excluded.task_sync_type,
    task_fetch_number = excluded.task_fetch_number,
    updated_at = excluded.updated_at
WHERE coalesce(kept.task_fetch_number, 0) <= excluded.task_fetch_number;
