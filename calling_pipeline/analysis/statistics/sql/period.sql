-- The sums of the days from `first` to `last` as they are kept permanently, and of how many days each track is known. `held`
-- and `incomplete`: days of the grade track whose newest read the gate holds, or whose published read is not whole.
SELECT
    count(grade_fetch_number) AS grade_days,
    count(grade_fetch_number) FILTER (WHERE kept.date < :today) AS grade_days_over,
    count(task_fetch_number) AS task_days,
    cast(coalesce(sum(callout_number), 0) AS bigint) AS dialled,
    cast(coalesce(sum(called_number), 0) AS bigint) AS connected,
    cast(coalesce(sum(total_records), 0) AS bigint) AS records,
    cast(coalesce(sum(kept.grade_9), 0) AS bigint) AS grade_9,
    cast(coalesce(sum(kept.grade_1), 0) AS bigint) AS grade_1,
    cast(coalesce(sum(kept.total_success), 0) AS bigint) AS orders,
    (
        SELECT count(*) FROM held_days
        WHERE track = 'grade' AND state = 'open' AND date BETWEEN :first AND :last
    ) AS held,
    (
        SELECT count(*)
        FROM grade_stats_cache AS cached
        INNER JOIN fetch_proofs AS proof ON cached.fetch_number = proof.fetch_number
        WHERE cached.date BETWEEN :first AND :last AND proof.distinct_ids <> proof.reported_total
    ) AS incomplete
FROM daily_history AS kept
WHERE kept.date BETWEEN :first AND :last;
