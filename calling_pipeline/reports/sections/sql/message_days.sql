-- The days from :first to :last (Asia/Shanghai) on which messages were written that are held (unknown) or not yet sent;
-- oldest first. It locks nothing.
SELECT
    cast(written.created_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day,
    count(*) FILTER (WHERE written.state = 'unknown') AS held,
    count(*) FILTER (WHERE written.state IN ('pending', 'sending')) AS under_way
FROM (
    SELECT created_at, state FROM contract_messages
    UNION ALL
    SELECT created_at, state FROM technician_messages
) AS written
WHERE
    written.created_at >= cast(:first AS timestamp) AT TIME ZONE 'Asia/Shanghai'
    AND written.created_at < cast(:last AS timestamp) AT TIME ZONE 'Asia/Shanghai' + interval '1 day'
    AND written.state IN ('unknown', 'pending', 'sending')
GROUP BY 1
ORDER BY 1
