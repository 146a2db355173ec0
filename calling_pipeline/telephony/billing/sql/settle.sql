-- Records that are billed have ended: those without a final state get the bill's, and their extensions are released.
-- Returns how many records were settled.
WITH settled AS (
    UPDATE communication_records AS r
    SET
        state = b.state, settled_at = :now, settled_by = 'bill', closed_at = coalesce(closed_at, :now),
        duration_s = b.duration_s, contact_result = b.hangup, call_uuid = coalesce(r.call_uuid, b.call_uuid)
    FROM infinity_bills AS b
    WHERE b.config_id = :config_id AND b.day = :day AND b.record_id = r.id AND r.settled_at IS NULL
    RETURNING r.extension_id, r.fence, 'none' AS verdict
),

released AS (
    {release}
)

SELECT count(*) FROM settled;
