-- Days of the grade dimension that were counted since then, as the old cache has them.
SELECT
    date, grade_9, grade_1, total_success, total_records, grade_calculated_at AS calculated_at, grade_sync_type AS sync_type
FROM daily_history
WHERE grade_fetch_number > 0 AND grade_calculated_at >= :since
ORDER BY date
