-- Copy the day's row of the grade cache into the history. The numbers of a newer read (a higher fetch number) stay; the
-- task track's numbers of the day are not touched.
INSERT INTO daily_history AS kept (
    date, grade_9, grade_1, total_success, total_records, grade_calculated_at, grade_sync_type, grade_fetch_number, updated_at
)
SELECT
    date,
    grade_9,
    grade_1,
    total_success,
    total_records,
    calculated_at,
    sync_type,
    fetch_number,
    :now
FROM grade_stats_cache
WHERE date = :day
ON CONFLICT (date) DO UPDATE SET
    grade_9 = excluded.grade_9,
    grade_1 = excluded.grade_1,
    total_success = excluded.total_success,
    total_records = excluded.total_records,
    grade_calculated_at = excluded.grade_calculated_at,
    grade_sync_type = excluded.grade_sync_type,
    grade_fetch_number = excluded.grade_fetch_number,
    updated_at = excluded.updated_at
WHERE coalesce(kept.grade_fetch_number, 0) <= excluded.grade_fetch_number;
