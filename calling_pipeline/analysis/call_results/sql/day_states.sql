-- The days of batches that pushed a call, `since` … `until` and those that are stale, with the reads of call records that a join would see now (day
-- of the records → number of its newest read that changed rows) and those that the last join saw. The records of a day's pushes
-- lie between that day and `reach_days` after the end of its last batch.
WITH pushing AS (
    SELECT
        day,
        max(coalesce(finished_at, :now)) AS ended_at
    FROM call_batches
    WHERE
        day BETWEEN :since AND :until
        OR day IN (
            SELECT stale_day.day FROM call_result_days AS stale_day
            WHERE stale_day.stale
        )
    GROUP BY day
)

SELECT
    pushing.day,
    coalesce(joined.stale, FALSE) AS stale,
    joined.reads AS joined_reads,
    joined.joined_at,
    (
        SELECT coalesce(jsonb_object_agg(newest.date, newest.number), '{}')
        FROM (
            SELECT
                date,
                max(fetch_number) AS number
            FROM fetch_proofs
            WHERE
                track = 'grade'
                AND date BETWEEN pushing.day AND (pushing.ended_at AT TIME ZONE 'Asia/Shanghai')::date + cast(:reach_days AS integer)
                AND rows_added + rows_changed + rows_removed > 0
            GROUP BY date
        ) AS newest
    ) AS reads
FROM pushing
LEFT JOIN call_result_days AS joined ON pushing.day = joined.day
WHERE
    EXISTS (
        SELECT FROM call_log AS log
        INNER JOIN call_batches AS batch ON log.batch_id = batch.id
        WHERE batch.day = pushing.day AND log.outcome IN ('pushed', 'settled_pushed')
    )
ORDER BY pushing.day;
