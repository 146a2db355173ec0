-- Messages of a ledger that were put aside by `put_aside` and by nobody else since, whose contracts are not among the
-- doubtful ones any more: they wait again.
UPDATE contract_messages AS m
SET
    state = 'pending',
    due_at = :now,
    settled_at = NULL,
    alerted_at = NULL,
    dispatcher = NULL,
    last_error = NULL,
    history = m.history || jsonb_build_object(
        'at', cast(:now AS timestamptz), 'from', m.state, 'to', 'pending', 'by', cast(:by AS text),
        'why', 'the ledger agrees with itself again'
    )
WHERE
    m.state = 'dead'
    AND m.metadata ->> 'csv_file' = :csv_file
    AND m.history -> -1 ->> 'by' = :by
    AND NOT m.contract_id = any(cast(:doubtful AS text[]))
