-- The newest day before `today` (and before the server's own) that has records and is not counted.
SELECT cast(d.day AS date) AS day
FROM
    generate_series(
        (SELECT (min(started_at) AT TIME ZONE 'Asia/Shanghai')::date FROM communication_records),
        least(cast(:today AS date), (now() AT TIME ZONE 'Asia/Shanghai')::date) - 1,
        interval '1 day'
    ) AS d (day)
WHERE
    NOT EXISTS (
        SELECT FROM counted_line_days AS c
        WHERE c.day = cast(d.day AS date)
    )
ORDER BY 1 DESC
LIMIT 1
