-- Calls, connected calls and orders of `day` and of `against`, both up to `hours` whole hours from midnight. A day that the cache does not have
-- is null; one that has no calls in these hours is 0.
SELECT
    wanted.date,
    CASE WHEN cached.date IS NOT NULL THEN coalesce(sum(hourly.calls), 0) END AS calls,
    CASE WHEN cached.date IS NOT NULL THEN coalesce(sum(hourly.connected), 0) END AS connected,
    CASE WHEN cached.date IS NOT NULL THEN coalesce(sum(hourly.grade_9), 0) END AS grade_9,
    CASE WHEN cached.date IS NOT NULL THEN coalesce(sum(hourly.grade_1), 0) END AS grade_1,
    CASE WHEN cached.date IS NOT NULL THEN coalesce(sum(hourly.orders), 0) END AS orders
FROM unnest(ARRAY[cast(:day AS date), cast(:against AS date)]) AS wanted (date)
LEFT JOIN grade_stats_cache AS cached ON wanted.date = cached.date
LEFT JOIN hourly_orders AS hourly ON wanted.date = hourly.date AND hourly.hour < :hours
GROUP BY wanted.date, cached.date;
