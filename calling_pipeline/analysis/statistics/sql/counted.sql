-- What the counted days from `first` to `last` add up to, and how many they are.
SELECT
    (
        SELECT count(*) FROM counted_days
        WHERE date BETWEEN :first AND :last
    ) AS days,
    cast(coalesce(sum(calls), 0) AS bigint) AS calls,
    cast(coalesce(sum(connected), 0) AS bigint) AS connected,
    cast(coalesce(sum(talk_s), 0) AS bigint) AS talk_s,
    cast(coalesce(sum(grade_9), 0) AS bigint) AS grade_9,
    cast(coalesce(sum(grade_1), 0) AS bigint) AS grade_1,
    cast(coalesce(sum(orders), 0) AS bigint) AS orders
FROM daily_hours
WHERE date BETWEEN :first AND :last;
