-- Ends the use of an extension under the token `fence`: its open record, if any, is closed (`unknown` unless it has a final
-- state) and the extension released. Returns how many extensions and records changed; 0: the token is an old one.
WITH closed AS (
    UPDATE communication_records
    SET closed_at = :now, state = CASE WHEN settled_at IS NULL THEN 'unknown' ELSE state END
    WHERE extension_id = :extension_id AND fence = :fence AND closed_at IS NULL
    RETURNING id
),

settled AS (
    SELECT cast(:extension_id AS bigint) AS extension_id, cast(:fence AS bigint) AS fence, 'none' AS verdict
),

released AS (
    {release}
)

SELECT (SELECT count(*) FROM released) + (SELECT count(*) FROM closed);
