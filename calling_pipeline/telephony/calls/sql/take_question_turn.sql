-- Let this process alone ask Infinity about a configuration's lines until `until`. Returns a row unless another one may now.
-- A turn longer than any was given before the clock was set back.
INSERT INTO line_questions AS turn (config_id, until)
VALUES (:config_id, :until)
ON CONFLICT (config_id) DO UPDATE
    SET until = excluded.until
    WHERE turn.until <= :now OR turn.until > :now + interval '1 minute'
RETURNING config_id;
