-- Days of the grade track that another system counted, where nothing of that track is known. Fetch number 0: of no read of ours.
INSERT INTO daily_history AS kept (
    date, grade_9, grade_1, total_success, total_records, grade_calculated_at, grade_sync_type, grade_fetch_number, updated_at
)
SELECT date, grade_9, grade_1, total_success, total_records, calculated_at, 'historical', 0, :now
FROM
    unnest(
        cast(:dates AS date[]), cast(:numbers_0 AS bigint[]), cast(:numbers_1 AS bigint[]), cast(:numbers_2 AS bigint[]),
        cast(:numbers_3 AS bigint[]), cast(:calculated_at AS timestamptz[])
    ) AS old (date, grade_9, grade_1, total_success, total_records, calculated_at)
ON CONFLICT (date) DO UPDATE SET
    grade_9 = excluded.grade_9,
    grade_1 = excluded.grade_1,
    total_success = excluded.total_success,
    total_records = excluded.total_records,
    grade_calculated_at = excluded.grade_calculated_at,
    grade_sync_type = excluded.grade_sync_type,
    grade_fetch_number = excluded.grade_fetch_number,
    updated_at = excluded.updated_at
WHERE kept.grade_fetch_number IS NULL;
