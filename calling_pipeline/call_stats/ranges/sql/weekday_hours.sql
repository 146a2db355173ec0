-- Calls and orders by weekday (1 Monday … 7 Sunday) and hour over the days from `first` to `last` as far as they are cached.
-- `days`: the cached days of that weekday, whether they had calls in the hour or not.
WITH cached AS (
    SELECT date, cast(extract(ISODOW FROM date) AS integer) AS weekday
    FROM grade_stats_cache
    WHERE date BETWEEN :first AND :last
),

weekdays AS (
    SELECT weekday, count(*) AS days
    FROM cached
    GROUP BY weekday
)

SELECT
    cached.weekday,
    hourly.hour,
    weekdays.days,
    cast(sum(hourly.calls) AS bigint) AS calls,
    cast(sum(hourly.connected) AS bigint) AS connected,
    cast(sum(hourly.orders) AS bigint) AS orders
FROM cached
INNER JOIN weekdays ON cached.weekday = weekdays.weekday
INNER JOIN hourly_orders AS hourly ON cached.date = hourly.date
GROUP BY cached.weekday, hourly.hour, weekdays.days
ORDER BY cached.weekday, hourly.hour;
