-- Keeps the raw body of a callback, once for each body. Returns its id, how often it came before, and what became of it
-- (empty: it waits).
INSERT INTO kept_callbacks AS kept (
    config_id, body_digest, body_sealed, reason, sentence, call_uuid, signed_at, received_at
)
VALUES (:config_id, :body_digest, :body_sealed, :reason, :sentence, :call_uuid, :signed_at, :now)
ON CONFLICT ON CONSTRAINT uq_kept_callbacks_body DO UPDATE
    SET repeats = kept.repeats + 1
RETURNING id, repeats, outcome;
