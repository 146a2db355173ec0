-- Put the drafts into the outbox in their order. Where a message about the change and of the kind exists, none is added.
INSERT INTO technician_messages (
    change_id, kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at, settled_at, last_error, history,
    created_at
)
SELECT
    draft.value ->> 'change_id',
    draft.value ->> 'kind',
    draft.value ->> 'receiver',
    draft.value ->> 'body',
    cast(draft.value ->> 'cut_bytes' AS integer),
    draft.value -> 'metadata',
    :state,
    0,
    0,
    :now,
    CASE WHEN cast(:state AS text) <> 'pending' THEN cast(:now AS timestamptz) END,
    cast(:reason AS text),
    cast('[]' AS jsonb),
    :now
FROM jsonb_array_elements(cast(:drafts AS jsonb)) WITH ORDINALITY AS draft (value, place)
ORDER BY draft.place
ON CONFLICT ON CONSTRAINT uq_technician_messages_change_id_kind DO NOTHING
