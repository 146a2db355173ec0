-- Infinity accepted the call: `initiating` becomes `ringing`. A callback may have settled or closed the call already; then
-- only what is still missing is added. An id that another call of the same configuration has is not stored a second time.
-- Returns the state the call has now.
UPDATE communication_records AS r
SET
    called_at = :now,
    call_uuid = coalesce(call_uuid, CASE
        WHEN
            NOT EXISTS (
                SELECT FROM communication_records AS o
                WHERE o.config_id = r.config_id AND o.call_uuid = :call_uuid
            )
            THEN cast(:call_uuid AS text)
    END),
    state = CASE state WHEN 'initiating' THEN 'ringing' ELSE state END,
    deadline = CASE WHEN closed_at IS NULL THEN :deadline ELSE deadline END
WHERE id = :record_id
RETURNING state;
