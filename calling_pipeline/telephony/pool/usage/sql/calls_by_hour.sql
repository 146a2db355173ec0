-- Calls begun from `first` to before `last` by the hour in which they began: how many, and how many of them were connected.
SELECT
    date_trunc('hour', started_at) AS hour,
    count(*) AS calls,
    count(*) FILTER (WHERE state = 'connected') AS connected
FROM communication_records
WHERE
    started_at >= :first AND started_at < :last
    AND (cast(:tenant_id AS bigint) IS NULL OR tenant_id = :tenant_id)
GROUP BY 1
