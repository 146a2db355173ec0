-- Push attempts to the dialling gateway that were recorded on these days, of a sample of `percent` of the log's blocks.
-- `typical_s` and `slow_s`: median and 95th percentile of the seconds from sending to the answer.
SELECT
    cast(recorded_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day,
    grouping(cast(recorded_at AT TIME ZONE 'Asia/Shanghai' AS date)) = 1 AS whole,
    count(*) AS acts,
    count(*) FILTER (WHERE outcome = 'pushed') AS done,
    count(*) FILTER (WHERE outcome = 'refused') AS refused,
    count(*) FILTER (WHERE outcome IN ('failed', 'not_sent')) AS failed,
    count(*) FILTER (WHERE outcome = 'unknown') AS unknown,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(EPOCH FROM answered_at - sent_at)) AS typical_s,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(EPOCH FROM answered_at - sent_at)) AS slow_s
FROM {sampled}
WHERE recorded_at >= :since AND recorded_at < :until AND outcome NOT IN ('settled_pushed', 'settled_retry')
GROUP BY GROUPING SETS ((cast(recorded_at AT TIME ZONE 'Asia/Shanghai' AS date)), ())
HAVING count(*) > 0
ORDER BY day;
