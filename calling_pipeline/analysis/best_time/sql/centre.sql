-- The same of all calls of the centre since `first`, whoever made them.
SELECT
    extract(ISODOW FROM date)::integer AS weekday, hour::integer AS hour, province,
    sum(calls)::bigint AS calls, sum(CASE WHEN :ordered THEN orders ELSE connected END)::bigint AS successes
FROM daily_province_hours
WHERE date >= :first
GROUP BY 1, 2, 3;
