-- What the checks judge of a day's results: pushed calls, results by kind, what the sums say, records that stand in two results,
-- and results that differ from their call record or whose record is gone although others of its day are kept.
WITH joined AS (
    SELECT
        joined_at,
        reads
    FROM call_result_days
    WHERE day = :day
),

mine AS MATERIALIZED (
    SELECT found.*
    FROM call_results AS found
    INNER JOIN call_batches AS batch ON found.batch_id = batch.id
    WHERE batch.day = :day
),

recorded AS MATERIALIZED (
    SELECT
        mine.result,
        mine.record_id,
        record.id IS NULL AND EXISTS (
            SELECT FROM call_records AS other
            WHERE other.date = (mine.called_at AT TIME ZONE 'Asia/Shanghai')::date
        ) AS vanished,
        record.id IS NOT NULL AND (mine.called_at, mine.talk_s, mine.order_yuan, mine.result = 'connected')
        IS DISTINCT FROM (record.called_at, record.duration_s, record.order_yuan, coalesce(record.call_state = 2, FALSE))
            AS differs
    FROM mine
    LEFT JOIN call_records AS record ON mine.record_id = record.id
    WHERE mine.record_id IS NOT NULL
)

SELECT
    (SELECT joined.joined_at FROM joined) AS joined_at,
    (
        SELECT count(*)
        FROM call_tasks AS task
        INNER JOIN call_batches AS batch ON task.batch_id = batch.id
        LEFT JOIN joined ON TRUE
        WHERE
            batch.day = :day AND task.state = 'pushed'
            AND (joined.joined_at IS NULL OR task.claimed_at < joined.joined_at)
    ) AS pushed,
    (SELECT count(*) FROM mine WHERE mine.result = 'connected') AS connected,
    (SELECT count(*) FROM mine WHERE mine.result = 'not_connected') AS not_connected,
    (SELECT count(*) FROM mine WHERE mine.result = 'not_dialled') AS not_dialled,
    (SELECT count(*) FROM mine WHERE mine.result = 'waiting') AS waiting,
    (
        SELECT coalesce(sum(total.pushed), 0)
        FROM call_result_batches AS total
        WHERE total.day = :day
    ) AS summed,
    (
        SELECT count(*)
        FROM (
            SELECT other.record_id
            FROM call_results AS other
            WHERE other.record_id IN (SELECT mine.record_id FROM mine)
            GROUP BY other.record_id
            HAVING count(*) > 1
        ) AS twice
    ) AS used_twice,
    (SELECT count(*) FROM recorded WHERE recorded.vanished OR recorded.differs) AS disagreeing,
    (
        SELECT coalesce(string_agg(few.record_id::text, ', '), '')
        FROM (
            SELECT recorded.record_id FROM recorded
            WHERE recorded.vanished OR recorded.differs
            ORDER BY recorded.record_id
            LIMIT 10
        ) AS few
    ) AS examples,
    EXISTS (
        SELECT FROM joined
        CROSS JOIN jsonb_each_text(joined.reads) AS seen (date, number)
        INNER JOIN fetch_proofs AS proof
            ON proof.track = 'grade' AND seen.date::date = proof.date AND proof.fetch_number > seen.number::bigint
        WHERE proof.rows_added + proof.rows_changed + proof.rows_removed > 0
    ) AS read_since;
