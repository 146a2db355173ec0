-- The call was certainly not made: the record is final and its extension is released. Only from `initiating`: a call that
-- something settled before keeps its state. Returns the number of records changed.
WITH settled AS (
    UPDATE communication_records
    SET
        state = 'failed', settled_at = :now, settled_by = 'make_call', closed_at = coalesce(closed_at, :now),
        failure_code = :code, failure = :failure
    WHERE id = :record_id AND state = 'initiating'
    RETURNING extension_id, fence, cast(:verdict AS text) AS verdict
),

released AS (
    {release}
)

SELECT count(*) FROM settled;
