-- What the stored call records of one day add up to; `outside_day`: those called before `start` or at `next_day` or later.
-- While the key (id, date) holds, each record of a day is a different one; only without it the ids are sorted and counted.
SELECT
    count(*) AS records,
    CASE
        WHEN
            EXISTS (
                SELECT FROM pg_constraint AS rule
                INNER JOIN pg_index AS kept ON rule.conindid = kept.indexrelid
                WHERE
                    rule.conrelid = 'call_records'::regclass AND rule.contype = 'p' AND kept.indisvalid
                    AND pg_get_constraintdef(rule.oid) = 'PRIMARY KEY (id, date)'
            )
            THEN count(*)
        ELSE (
            SELECT count(DISTINCT other.id) FROM call_records AS other
            WHERE other.date = :day
        )
    END AS distinct_records,
    count(*) FILTER (WHERE order_yuan = 9) AS grade_9,
    count(*) FILTER (WHERE order_yuan = 1) AS grade_1,
    count(*) FILTER (WHERE call_state >= 1) AS dialled,
    count(*) FILTER (WHERE call_state = 2) AS connected,
    count(*) FILTER (WHERE called_at < :start OR called_at >= :next_day) AS outside_day
FROM call_records
WHERE date = :day;
