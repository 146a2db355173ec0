-- Keeps the raw body of a callback, once for each body. Returns its id, how often it came before, and what became of it
-- (empty: it waits). Of a call whose person was erased (its record shows no number) nothing is kept but that it came.
INSERT INTO kept_callbacks AS kept (
    config_id, body_digest, body_sealed, reason, sentence, call_uuid, signed_at, received_at, closed_at, closed_by, outcome
)
SELECT
    :config_id, :body_digest,
    CASE WHEN NOT call.erased THEN cast(:body_sealed AS bytea) END,
    :reason, :sentence, :call_uuid, :signed_at, :now,
    CASE WHEN call.erased THEN cast(:now AS timestamptz) END,
    CASE WHEN call.erased THEN 'program' ELSE '' END,
    CASE WHEN call.erased THEN 'erased' ELSE '' END
FROM (
    SELECT exists(
        SELECT FROM communication_records
        WHERE
            config_id = :config_id AND destination_masked = ''
            AND (call_uuid = :call_uuid OR reference = cast(:call_uuid AS text))
    ) AS erased
) AS call
ON CONFLICT ON CONSTRAINT uq_kept_callbacks_body DO UPDATE
    SET repeats = kept.repeats + 1
RETURNING id, repeats, outcome;
