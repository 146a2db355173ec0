-- Put the day's sums over all dialling tasks into the task cache; the rate is a percentage with two decimals, 0 when
-- nothing was dialled. The numbers of a newer read (a higher fetch number) stay.
INSERT INTO task_stats_cache AS cached (
    date, total_tasks, callout_number, called_number, success_number, connected_rate, calculated_at, sync_type, fetch_number
)
VALUES (
    :day,
    :tasks,
    :calls,
    :connected,
    :successes,
    CASE WHEN cast(:calls AS bigint) = 0 THEN 0 ELSE round(100.0 * :connected / :calls, 2) END,
    :now,
    :sync_type,
    :fetch_number
)
ON CONFLICT (date) DO UPDATE SET
    total_tasks = excluded.total_tasks,
    callout_number = excluded.callout_number,
    called_number = excluded.called_number,
    success_number = excluded.success_number,
    connected_rate = excluded.connected_rate,
    calculated_at = excluded.calculated_at,
    sync_type = excluded.sync_type,
    fetch_number = excluded.fetch_number
WHERE cached.fetch_number <= excluded.fetch_number;
