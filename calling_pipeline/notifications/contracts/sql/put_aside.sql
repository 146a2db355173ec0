-- Messages of a ledger's contracts that wait, each with the reason why it may not be sent: they become dead letters, which
-- are certainly not sent and wait for somebody. The last entry of their history says by whom, see `let_go_on`.
UPDATE contract_messages AS m
SET
    state = 'dead',
    settled_at = :now,
    alerted_at = NULL,
    last_error = doubt.reason,
    history = m.history || jsonb_build_object(
        'at', cast(:now AS timestamptz), 'from', m.state, 'to', 'dead', 'by', cast(:by AS text), 'why', doubt.reason
    )
FROM unnest(cast(:ids AS text[]), cast(:reasons AS text[])) AS doubt (contract_id, reason)
WHERE m.contract_id = doubt.contract_id AND m.metadata ->> 'csv_file' = :csv_file AND m.state = 'pending'
