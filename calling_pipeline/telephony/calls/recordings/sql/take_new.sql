-- Takes the calls whose recordings' links became known, at most :limit of them, each once.
WITH new AS (
    SELECT id
    FROM communication_records
    WHERE recording_url IS NOT NULL AND NOT recording_queued
    ORDER BY id
    LIMIT :limit
    FOR NO KEY UPDATE SKIP LOCKED
)

UPDATE communication_records AS r
SET recording_queued = TRUE
FROM new
WHERE r.id = new.id
RETURNING r.id AS record_id, r.tenant_id, r.config_id, r.recording_url AS link;
