-- The days from :first to :last (Asia/Shanghai) with calls of collectors whose result is not known, or whose bill was not
-- fetched for each configuration that called. Only days with one of both; oldest first. It locks nothing.
SELECT
    called.day,
    called.open_calls,
    called.unbilled
FROM (
    SELECT
        per_config.day,
        sum(per_config.open_calls) AS open_calls,
        bool_or(bill.day IS NULL) AS unbilled
    FROM (
        SELECT
            config_id,
            cast(started_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day,
            count(*) FILTER (WHERE state IN ('initiating', 'ringing', 'unknown')) AS open_calls
        FROM communication_records
        WHERE
            started_at >= cast(:first AS timestamp) AT TIME ZONE 'Asia/Shanghai'
            AND started_at < cast(:last AS timestamp) AT TIME ZONE 'Asia/Shanghai' + interval '1 day'
        GROUP BY 1, 2
    ) AS per_config
    LEFT JOIN infinity_bill_days AS bill ON per_config.config_id = bill.config_id AND per_config.day = bill.day
    GROUP BY per_config.day
) AS called
WHERE called.open_calls > 0 OR called.unbilled
ORDER BY called.day
