-- Put the count of a day's call records into the grade cache. The numbers of a newer read (a higher fetch number) stay.
INSERT INTO grade_stats_cache AS cached (
    date, grade_9, grade_1, total_success, total_records, calculated_at, elapsed_time, sync_type, fetch_number
)
VALUES (
    :day,
    :grade_9,
    :grade_1,
    cast(:grade_9 AS bigint) + cast(:grade_1 AS bigint),
    :calls,
    :now,
    :elapsed_s,
    :sync_type,
    :fetch_number
)
ON CONFLICT (date) DO UPDATE SET
    grade_9 = excluded.grade_9,
    grade_1 = excluded.grade_1,
    total_success = excluded.total_success,
    total_records = excluded.total_records,
    calculated_at = excluded.calculated_at,
    elapsed_time = excluded.elapsed_time,
    sync_type = excluded.sync_type,
    fetch_number = excluded.fetch_number
WHERE cached.fetch_number <= excluded.fetch_number;
