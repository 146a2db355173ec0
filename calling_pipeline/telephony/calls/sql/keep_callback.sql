-- Keeps one callback (once for each body), ends its call if that has no final state, and releases the extension: all of it
-- or nothing. A final state never changes; a callback that agrees with it may add the recording. A callback that contradicts
-- itself (`unknown`) releases the extension and leaves the call open for a later callback or the bill.
--
-- Of a person who was erased (their records show no number) neither remark nor recording is kept again.
--
-- Returns how often the same body came before, the call's record (null: the call is not known yet), and whether the
-- callback settled the call.
WITH target AS MATERIALIZED (
    SELECT
        id,
        destination_masked = '' AS erased
    FROM (
        SELECT id, destination_masked, 0 AS place FROM communication_records
        WHERE call_uuid = :call_uuid AND config_id = :config_id
        UNION ALL
        SELECT id, destination_masked, 1 AS place FROM communication_records
        WHERE reference IN (cast(:call_uuid AS text), nullif(cast(:reference AS text), '')) AND config_id = :config_id
    ) AS found
    ORDER BY place
    LIMIT 1
),

kept AS (
    INSERT INTO call_callbacks AS k (
        config_id, body_digest, call_uuid, reference, state, duration_s, contact_result, remark, recording_url,
        signed_at, received_at, record_id
    )
    SELECT
        :config_id, :body_digest, :call_uuid, :reference, :state, :duration_s, :contact_result,
        CASE WHEN coalesce((SELECT erased FROM target), FALSE) THEN '' ELSE :remark END,
        CASE WHEN NOT coalesce((SELECT erased FROM target), FALSE) THEN cast(:recording_url AS text) END,
        :signed_at, :now, (SELECT id FROM target)
    ON CONFLICT ON CONSTRAINT uq_call_callbacks_body DO UPDATE
        SET repeats = k.repeats + 1, record_id = coalesce(k.record_id, excluded.record_id)
    RETURNING k.repeats, k.record_id
),

settled AS (
    UPDATE communication_records AS r
    SET
        state = :state, closed_at = coalesce(closed_at, :now),
        settled_at = CASE WHEN cast(:state AS text) <> 'unknown' THEN cast(:now AS timestamptz) END,
        settled_by = CASE WHEN cast(:state AS text) <> 'unknown' THEN 'callback' END,
        call_uuid = coalesce(call_uuid, :call_uuid), duration_s = :duration_s, contact_result = :contact_result,
        remark = :remark, recording_url = coalesce(recording_url, :recording_url), callback_delay_s = :delay_s
    FROM target
    WHERE r.id = target.id AND r.settled_at IS NULL
    RETURNING r.extension_id, r.fence, cast(:verdict AS text) AS verdict
),

enriched AS (
    UPDATE communication_records AS r
    SET recording_url = :recording_url
    FROM target
    WHERE
        r.id = target.id AND NOT target.erased AND r.settled_at IS NOT NULL AND r.recording_url IS NULL AND r.state = :state
        AND cast(:recording_url AS text) IS NOT NULL
),

released AS (
    {release}
)

SELECT kept.repeats, kept.record_id, (SELECT count(*) FROM settled) > 0 AS settled FROM kept;
