-- Days of the task track that another system counted, where nothing of that track is known. Fetch number 0: of no read of ours.
INSERT INTO daily_history AS kept (
    date, total_tasks, callout_number, called_number, success_number, connected_rate, task_calculated_at, task_sync_type,
    task_fetch_number, updated_at
)
SELECT
    date, total_tasks, callout_number, called_number, success_number,
    coalesce(round(100.0 * called_number / nullif(callout_number, 0), 2), 0), calculated_at, 'historical', 0, :now
FROM
    unnest(
        cast(:dates AS date[]), cast(:numbers_0 AS bigint[]), cast(:numbers_1 AS bigint[]), cast(:numbers_2 AS bigint[]),
        cast(:numbers_3 AS bigint[]), cast(:calculated_at AS timestamptz[])
    ) AS old (date, total_tasks, callout_number, called_number, success_number, calculated_at)
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
WHERE kept.task_fetch_number IS NULL;
