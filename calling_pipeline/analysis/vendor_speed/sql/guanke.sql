-- The reads of Guanke that began on the days from `first` to `last`, by day and, with no day, together. `typical_s` and
-- `slow_s`: median and 95th percentile of the seconds per page; `failed`: failed attempts to read a day that are kept.
WITH reads AS (
    SELECT
        cast(started_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day,
        elapsed_s / greatest(pages, 1) AS page_s,
        1 AS done,
        0 AS failed
    FROM fetch_proofs
    WHERE track = :track AND started_at >= :since AND started_at < :until
    UNION ALL
    SELECT
        cast(failed_at AT TIME ZONE 'Asia/Shanghai' AS date),
        NULL,
        0,
        failures
    FROM failed_reads
    WHERE track = :track AND failed_at >= :since AND failed_at < :until
)

SELECT
    day,
    grouping(day) = 1 AS whole,
    sum(done) + sum(failed) AS acts,
    sum(done) AS done,
    0 AS refused,
    sum(failed) AS failed,
    0 AS unknown,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY page_s) AS typical_s,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY page_s) AS slow_s
FROM reads
GROUP BY GROUPING SETS ((day), ())
HAVING count(*) > 0
ORDER BY day;
