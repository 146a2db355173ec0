-- The hours of the day over the days from `first` to `last` as far as they are cached, with the sums of these days.
SELECT
    hour,
    count(*) AS days,
    cast(sum(calls) AS bigint) AS calls,
    cast(sum(connected) AS bigint) AS connected,
    cast(sum(grade_9) AS bigint) AS grade_9,
    cast(sum(grade_1) AS bigint) AS grade_1,
    cast(sum(orders) AS bigint) AS orders
FROM hourly_orders
WHERE date BETWEEN :first AND :last
GROUP BY hour
ORDER BY hour;
