-- Ties lines of the bill to records whose id of Infinity's we never learned: same extension, same destination, begun from
-- one minute before our record to five minutes after it. Of several candidates the nearest in time; each line and each
-- record is tied once.
WITH pairs AS (
    SELECT
        b.call_uuid, r.id,
        row_number() OVER (PARTITION BY b.call_uuid ORDER BY apart.seconds, r.id) AS of_bill,
        row_number() OVER (PARTITION BY r.id ORDER BY apart.seconds, b.call_uuid) AS of_record
    FROM infinity_bills AS b
    INNER JOIN communication_records AS r
        ON
            r.config_id = b.config_id AND r.extension_number = b.extension_number
            AND r.destination_hash = b.destination_hash AND r.call_uuid IS NULL AND r.billed_at IS NULL
            AND r.state IN ('initiating', 'unknown')
            AND b.started_at BETWEEN r.started_at - interval '1 minute' AND r.started_at + interval '5 minutes'
    CROSS JOIN LATERAL (SELECT abs(extract(EPOCH FROM b.started_at - r.started_at)) AS seconds) AS apart
    WHERE b.config_id = :config_id AND b.day = :day AND b.record_id IS NULL
),

tied AS (
    UPDATE infinity_bills AS b SET record_id = pairs.id
    FROM pairs
    WHERE b.config_id = :config_id AND b.call_uuid = pairs.call_uuid AND pairs.of_bill = 1 AND pairs.of_record = 1
    RETURNING b.call_uuid, b.record_id
)

UPDATE communication_records AS r
SET call_uuid = tied.call_uuid
FROM tied
WHERE r.id = tied.record_id AND r.call_uuid IS NULL;
