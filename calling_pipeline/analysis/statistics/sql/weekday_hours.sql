-- The hours of each weekday (1 Monday … 7 Sunday) over the days from `first` to `last`. `days`: the counted days of that
-- weekday, whether they had calls in the hour or not.
WITH hours AS (
    SELECT
        cast(extract(ISODOW FROM date) AS integer) AS weekday,
        hour,
        cast(sum(calls) AS bigint) AS calls,
        cast(sum(connected) AS bigint) AS connected,
        cast(sum(talk_s) AS bigint) AS talk_s,
        cast(sum(grade_9) AS bigint) AS grade_9,
        cast(sum(grade_1) AS bigint) AS grade_1,
        cast(sum(orders) AS bigint) AS orders
    FROM daily_hours
    WHERE date BETWEEN :first AND :last
    GROUP BY 1, 2
),

weekdays AS (
    SELECT
        cast(extract(ISODOW FROM date) AS integer) AS weekday,
        count(*) AS days
    FROM counted_days
    WHERE date BETWEEN :first AND :last
    GROUP BY 1
)

SELECT
    hours.weekday,
    hours.hour,
    weekdays.days,
    hours.calls,
    hours.connected,
    hours.talk_s,
    hours.grade_9,
    hours.grade_1,
    hours.orders
FROM hours
INNER JOIN weekdays ON hours.weekday = weekdays.weekday
ORDER BY hours.weekday, hours.hour;
