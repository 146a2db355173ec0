-- Applies callbacks that came before their call was known: each ends its call as `keep_callback.sql` does. {only} is
-- empty, or a condition (`AND …`) on the callbacks `k`. Returns how many found their call.
WITH pairs AS MATERIALIZED (
    SELECT DISTINCT ON (r.id) r.id AS record_id, k.id AS callback_id
    FROM call_callbacks AS k
    CROSS JOIN
        LATERAL (
            SELECT id FROM communication_records
            WHERE call_uuid = k.call_uuid AND config_id = k.config_id
            UNION
            SELECT id FROM communication_records
            WHERE reference IN (k.call_uuid, nullif(k.reference, '')) AND config_id = k.config_id
        ) AS r
    WHERE k.record_id IS NULL {only}
    ORDER BY r.id, k.id
),

tied AS (
    UPDATE call_callbacks AS k SET record_id = pairs.record_id
    FROM pairs
    WHERE k.id = pairs.callback_id AND k.record_id IS NULL
    RETURNING k.*
),

settled AS (
    UPDATE communication_records AS r
    SET
        state = k.state, closed_at = coalesce(closed_at, :now),
        settled_at = CASE WHEN k.state <> 'unknown' THEN cast(:now AS timestamptz) END,
        settled_by = CASE WHEN k.state <> 'unknown' THEN 'callback' END,
        call_uuid = coalesce(r.call_uuid, k.call_uuid), duration_s = k.duration_s,
        contact_result = k.contact_result, remark = k.remark,
        recording_url = coalesce(r.recording_url, k.recording_url),
        callback_delay_s = extract(EPOCH FROM k.received_at - k.signed_at)
    FROM tied AS k
    WHERE r.id = k.record_id AND r.settled_at IS NULL
    RETURNING r.extension_id, r.fence, CASE k.state WHEN 'failed' THEN 'failed' WHEN 'unknown' THEN 'none' ELSE 'good' END AS verdict
),

released AS (
    {release}
)

SELECT count(*) FROM tied;
