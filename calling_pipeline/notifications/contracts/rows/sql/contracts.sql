-- Contracts of the ledgers, those first seen last at the top, each with its messages by state; `total` counts all of them.
SELECT
    known.csv_file,
    known.contract_id,
    known.line,
    known.first_seen_at,
    known.said_yes_at,
    known.set_back_at,
    known.parked,
    coalesce(messages.by_state, '{}') AS messages,
    count(*) OVER () AS total
FROM contract_rows AS known
CROSS JOIN
    LATERAL (
        SELECT jsonb_object_agg(by_state.state, by_state.messages) AS by_state
        FROM (
            SELECT
                m.state,
                count(*) AS messages
            FROM contract_messages AS m
            WHERE m.contract_id = known.contract_id
            GROUP BY m.state
        ) AS by_state
    ) AS messages
WHERE
    (cast(:csv_file AS text) IS NULL OR known.csv_file = :csv_file)
    AND (cast(:contract_id AS text) IS NULL OR known.contract_id = :contract_id)
ORDER BY known.first_seen_at DESC, known.csv_file, known.line
LIMIT :limit OFFSET :offset
