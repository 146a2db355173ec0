-- Contracts whose rows were set back to N, with what was delivered about them; not those with a message that is open or held,
-- which is the answer to wait for.
SELECT
    known.csv_file,
    known.contract_id,
    known.line,
    known.set_back_at,
    coalesce(sent.delivered, '{}') AS delivered
FROM contract_rows AS known
CROSS JOIN
    LATERAL (
        SELECT
            array_agg(DISTINCT m.kind) FILTER (WHERE m.state = 'delivered') AS delivered,
            coalesce(bool_or(m.state NOT IN ('delivered', 'abandoned')), FALSE) AS is_open
        FROM contract_messages AS m
        WHERE m.contract_id = known.contract_id
    ) AS sent
WHERE known.set_back_at IS NOT NULL AND NOT sent.is_open
ORDER BY known.csv_file, known.line
