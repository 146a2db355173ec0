-- Every day from `first` to `last`, oldest first, with what is kept of it permanently and how both caches stand. A day of which
-- nothing is known is among them, with nulls.
SELECT
    cast(wanted.date AS date) AS date,
    kept.callout_number,
    kept.called_number,
    kept.success_number,
    cast(kept.connected_rate AS double precision) AS connected_rate,
    kept.total_records,
    kept.grade_9,
    kept.grade_1,
    kept.total_success,
    task.date IS NOT NULL AS task_cached,
    grade.date IS NOT NULL AS grade_cached,
    coalesce(task_proof.distinct_ids = task_proof.reported_total, FALSE) AS task_complete,
    coalesce(grade_proof.distinct_ids = grade_proof.reported_total, FALSE) AS grade_complete,
    task_held.id IS NOT NULL AS task_held,
    grade_held.id IS NOT NULL AS grade_held,
    task_failed.date IS NOT NULL AS task_failed,
    grade_failed.date IS NOT NULL AS grade_failed
FROM generate_series(cast(:first AS timestamp), cast(:last AS timestamp), interval '1 day') AS wanted (date)
LEFT JOIN daily_history AS kept ON wanted.date = kept.date
LEFT JOIN task_stats_cache AS task ON wanted.date = task.date
LEFT JOIN grade_stats_cache AS grade ON wanted.date = grade.date
LEFT JOIN fetch_proofs AS task_proof ON task.fetch_number = task_proof.fetch_number
LEFT JOIN fetch_proofs AS grade_proof ON grade.fetch_number = grade_proof.fetch_number
LEFT JOIN held_days AS task_held
    ON wanted.date = task_held.date AND task_held.track = 'task' AND task_held.state = 'open'
LEFT JOIN held_days AS grade_held
    ON wanted.date = grade_held.date AND grade_held.track = 'grade' AND grade_held.state = 'open'
LEFT JOIN failed_reads AS task_failed
    ON wanted.date = task_failed.date AND task_failed.track = 'task' AND task_failed.read_again_at IS NULL
LEFT JOIN failed_reads AS grade_failed
    ON wanted.date = grade_failed.date AND grade_failed.track = 'grade' AND grade_failed.read_again_at IS NULL
ORDER BY wanted.date;
