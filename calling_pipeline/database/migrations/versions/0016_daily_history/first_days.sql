-- The history begins with the days that the caches hold, whichever of the two tracks knows them.
INSERT INTO daily_history (
    date, total_tasks, callout_number, called_number, success_number, connected_rate,
    task_calculated_at, task_sync_type, task_fetch_number,
    grade_9, grade_1, total_success, total_records, grade_calculated_at, grade_sync_type, grade_fetch_number, updated_at
)
SELECT
    coalesce(task.date, grade.date),
    task.total_tasks,
    task.callout_number,
    task.called_number,
    task.success_number,
    task.connected_rate,
    task.calculated_at,
    task.sync_type,
    task.fetch_number,
    grade.grade_9,
    grade.grade_1,
    grade.total_success,
    grade.total_records,
    grade.calculated_at,
    grade.sync_type,
    grade.fetch_number,
    greatest(task.calculated_at, grade.calculated_at)
FROM task_stats_cache AS task
FULL JOIN grade_stats_cache AS grade ON task.date = grade.date;
