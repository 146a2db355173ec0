-- Messages of an outbox that were made on these days, of a sample of `percent` of its blocks. `typical_s` and `slow_s`:
-- median and 95th percentile of the seconds from a message's last claim until it was delivered.
SELECT
    cast(created_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day,
    grouping(cast(created_at AT TIME ZONE 'Asia/Shanghai' AS date)) = 1 AS whole,
    count(*) AS acts,
    count(*) FILTER (WHERE state = 'delivered') AS done,
    0 AS refused,
    count(*) FILTER (WHERE state = 'dead') AS failed,
    count(*) FILTER (WHERE state = 'unknown') AS unknown,
    percentile_cont(0.5) WITHIN GROUP (
        ORDER BY extract(EPOCH FROM settled_at - claimed_at)
    ) FILTER (WHERE state = 'delivered') AS typical_s,
    percentile_cont(0.95) WITHIN GROUP (
        ORDER BY extract(EPOCH FROM settled_at - claimed_at)
    ) FILTER (WHERE state = 'delivered') AS slow_s
FROM {sampled}
WHERE created_at >= :since AND created_at < :until AND attempts > 0
GROUP BY GROUPING SETS ((cast(created_at AT TIME ZONE 'Asia/Shanghai' AS date)), ())
HAVING count(*) > 0
ORDER BY day;
