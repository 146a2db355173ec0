-- Claims at most :limit recordings that are due, those whose links expire first: until :until nobody else fetches them.
-- A claim that has run out belongs to a process that has ended.
UPDATE call_recordings AS k
SET claim = k.claim + 1, claimed_until = :until, attempts = k.attempts + 1
FROM (
    SELECT record_id
    FROM call_recordings
    WHERE state = 'wanted' AND next_try_at <= :now AND coalesce(claimed_until, '-infinity') <= :now
    ORDER BY expires_at, record_id
    LIMIT :limit
    FOR NO KEY UPDATE SKIP LOCKED
) AS due,
    communication_records AS r
WHERE k.record_id = due.record_id AND r.id = due.record_id
RETURNING
    k.record_id, k.tenant_id, k.config_id, k.claim, k.attempts, k.expires_at, r.recording_url AS link, r.recording_file;
