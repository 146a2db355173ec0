-- Put the drafts into the outbox in their order. Where a message about the contract, of the kind and of the edition exists,
-- none is added.
WITH fresh AS (
    DELETE FROM contract_drafts RETURNING *
)

INSERT INTO contract_messages (
    kind, receiver, body, cut_bytes, metadata, edition, resend_of, state, attempts, failures, due_at, settled_at, last_error,
    history, created_at
)
SELECT
    kind,
    receiver,
    body,
    cut_bytes,
    metadata,
    edition,
    resend_of,
    :state,
    0,
    0,
    :now,
    CASE WHEN cast(:state AS text) = 'delivered' THEN cast(:now AS timestamptz) END,
    cast(:reason AS text),
    CASE
        WHEN cast(:reason AS text) IS NULL THEN cast('[]' AS jsonb)
        ELSE jsonb_build_array(
            jsonb_build_object(
                'at', cast(:now AS timestamptz), 'to', cast(:state AS text), 'why', cast(:reason AS text)
            )
        )
    END,
    :now
FROM fresh
ORDER BY place
ON CONFLICT ON CONSTRAINT uq_contract_messages_contract_id_kind DO NOTHING
