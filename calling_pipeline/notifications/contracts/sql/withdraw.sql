-- Withdraw the messages that wait although the row they were made of says Y: a person wrote it to stop them.
--
-- What is being claimed in this moment is skipped, not waited for: it is sent. A resend that was ordered while the row said Y
-- goes out all the same.
WITH waiting AS (
    SELECT id
    FROM contract_messages
    WHERE
        state = 'pending'
        AND contract_id = any(:ids)
        AND metadata ->> 'csv_file' = :csv_file
        AND NOT coalesce(cast(metadata ->> 'despite_yes' AS boolean), FALSE)
    ORDER BY id
    FOR UPDATE SKIP LOCKED
)

UPDATE contract_messages AS m
SET
    state = 'abandoned',
    settled_at = :now,
    last_error = :reason,
    history = m.history || jsonb_build_object(
        'at', cast(:now AS timestamptz), 'from', m.state, 'to', 'abandoned', 'by', 'ledger', 'why', cast(:reason AS text)
    )
FROM waiting
WHERE m.id = waiting.id AND m.state = 'pending'
RETURNING m.id, m.contract_id
