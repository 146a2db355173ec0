-- Calls that were begun with Infinity on these days, of a sample of `percent` of the blocks. `typical_s` and `slow_s`:
-- median and 95th percentile of the seconds from our intent until MakeCall was answered.
SELECT
    cast(started_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day,
    grouping(cast(started_at AT TIME ZONE 'Asia/Shanghai' AS date)) = 1 AS whole,
    count(*) AS acts,
    count(*) FILTER (WHERE state NOT IN ('failed', 'unknown', 'initiating')) AS done,
    0 AS refused,
    count(*) FILTER (WHERE state = 'failed') AS failed,
    count(*) FILTER (WHERE state = 'unknown') AS unknown,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(EPOCH FROM called_at - started_at)) AS typical_s,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(EPOCH FROM called_at - started_at)) AS slow_s
FROM {sampled}
WHERE started_at >= :since AND started_at < :until
GROUP BY GROUPING SETS ((cast(started_at AT TIME ZONE 'Asia/Shanghai' AS date)), ())
HAVING count(*) > 0
ORDER BY day;
