-- Messages of a ledger's contracts that wait, each with the reason why it may not be sent: they become dead letters, which
-- are certainly not sent and wait for somebody. The last entry of their history says by whom, see `let_go_on`.
--
-- What is being claimed in this moment is skipped, not waited for: it is sent.
WITH waiting AS (
    SELECT
        m.id,
        doubt.reason
    FROM contract_messages AS m
    INNER JOIN
        unnest(cast(:ids AS text[]), cast(:reasons AS text[])) AS doubt (contract_id, reason)
        ON m.contract_id = doubt.contract_id
    WHERE m.metadata ->> 'csv_file' = :csv_file AND m.state = 'pending'
    ORDER BY m.id
    FOR UPDATE OF m SKIP LOCKED
)

UPDATE contract_messages AS m
SET
    state = 'dead',
    settled_at = :now,
    alerted_at = NULL,
    last_error = waiting.reason,
    history = m.history || jsonb_build_object(
        'at', cast(:now AS timestamptz), 'from', m.state, 'to', 'dead', 'by', cast(:by AS text), 'why', waiting.reason
    )
FROM waiting
WHERE m.id = waiting.id AND m.state = 'pending'
