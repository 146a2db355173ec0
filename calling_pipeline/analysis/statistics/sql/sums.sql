-- One table of daily counts added up over the days from `first` to `last` by `keys`. `days`: those with calls of the key.
SELECT
    {keys},
    count(*) AS days,
    cast(sum(calls) AS bigint) AS calls,
    cast(sum(connected) AS bigint) AS connected,
    cast(sum(talk_s) AS bigint) AS talk_s,
    cast(sum(grade_9) AS bigint) AS grade_9,
    cast(sum(grade_1) AS bigint) AS grade_1,
    cast(sum(orders) AS bigint) AS orders
FROM {counts}
WHERE date BETWEEN :first AND :last
GROUP BY {keys};
