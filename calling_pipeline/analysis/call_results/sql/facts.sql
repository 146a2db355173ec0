-- What the checks judge of a day's results: pushed calls, results by kind, what the sums say, records that stand in two results,
-- and results that differ from their call record or whose record is gone although others of its day are kept.
WITH joined AS (
    SELECT
        joined_at,
        reads
    FROM call_result_days
    WHERE day = :day
),

pushes AS (
    SELECT task.claimed_at
    FROM call_tasks AS task
    INNER JOIN call_batches AS batch ON task.batch_id = batch.id
    WHERE batch.day = :day AND task.state = 'pushed'
),

mine AS MATERIALIZED (
    SELECT found.*
    FROM call_results AS found
    INNER JOIN call_batches AS batch ON found.batch_id = batch.id
    WHERE batch.day = :day
),

counted AS (
    SELECT
        count(*) FILTER (WHERE result = 'connected') AS connected,
        count(*) FILTER (WHERE result = 'not_connected') AS not_connected,
        count(*) FILTER (WHERE result = 'not_dialled') AS not_dialled,
        count(*) FILTER (WHERE result = 'waiting') AS waiting
    FROM mine
),

twice AS (
    SELECT other.record_id
    FROM call_results AS other
    INNER JOIN mine ON other.record_id = mine.record_id
    GROUP BY other.record_id
    HAVING count(*) > 1
),

called_days AS (
    SELECT DISTINCT (called_at AT TIME ZONE 'Asia/Shanghai')::date AS day
    FROM mine
),

kept_days AS MATERIALIZED (
    SELECT called_days.day
    FROM called_days
    WHERE
        (
            SELECT other.date FROM call_records AS other
            WHERE other.date = called_days.day
            LIMIT 1
        ) IS NOT NULL
),

disagreeing AS (
    SELECT mine.record_id
    FROM mine
    LEFT JOIN LATERAL (
        SELECT stored.id, stored.called_at, stored.duration_s, stored.order_yuan, stored.call_state
        FROM call_records AS stored
        WHERE stored.id = mine.record_id AND stored.date = (mine.called_at AT TIME ZONE 'Asia/Shanghai')::date
        LIMIT 1
    ) AS record ON TRUE
    WHERE
        mine.record_id IS NOT NULL
        AND (
            record.id IS NULL AND (mine.called_at AT TIME ZONE 'Asia/Shanghai')::date IN (SELECT day FROM kept_days)
            OR record.called_at <> mine.called_at
            OR record.duration_s <> mine.talk_s
            OR record.order_yuan <> mine.order_yuan
            OR coalesce(record.call_state = 2, FALSE) <> (mine.result = 'connected') AND record.id IS NOT NULL
        )
),

examples AS (
    SELECT record_id FROM disagreeing
    ORDER BY record_id
    LIMIT 10
),

newer AS (
    SELECT proof.fetch_number
    FROM joined
    CROSS JOIN jsonb_each_text(joined.reads) AS seen (date, number)
    INNER JOIN fetch_proofs AS proof ON seen.date::date = proof.date
    WHERE
        proof.track = 'grade' AND proof.fetch_number > seen.number::bigint
        AND proof.rows_added + proof.rows_changed + proof.rows_removed > 0
)

SELECT
    counted.connected,
    counted.not_connected,
    counted.not_dialled,
    counted.waiting,
    (SELECT joined_at FROM joined) AS joined_at,
    (
        SELECT count(*) FROM pushes
        WHERE claimed_at < coalesce((SELECT joined_at FROM joined), 'infinity')
    ) AS pushed,
    (
        SELECT coalesce(sum(pushed), 0) FROM call_result_batches
        WHERE day = :day
    ) AS summed,
    (SELECT count(*) FROM twice) AS used_twice,
    (SELECT count(*) FROM disagreeing) AS disagreeing,
    (SELECT coalesce(string_agg(record_id::text, ', '), '') FROM examples) AS examples,
    (SELECT count(*) > 0 FROM newer) AS read_since
FROM counted;
