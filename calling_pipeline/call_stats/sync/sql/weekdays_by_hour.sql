-- Calls and orders of each of `days` before the hour of the day `until` (14.5 is 14:30): an hour that is cut off counts by
-- its part. Days without calls have no row.
SELECT
    date,
    round(sum(calls * least(1, :until - hour))) AS calls,
    round(sum(orders * least(1, :until - hour))) AS orders
FROM hourly_orders
WHERE date = any(cast(:days AS date[])) AND hour < :until
GROUP BY date;
