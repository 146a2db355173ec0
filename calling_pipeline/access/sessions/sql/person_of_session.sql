-- The id of the session with this digest, and its person: not ended, not expired at `now`, asked something after `idle_since`,
-- and an active person; no row otherwise. Notes that it was seen, at most once per minute.
WITH seen AS (
    UPDATE access_sessions
    SET last_seen_at = :now
    WHERE
        digest = :digest AND ended_at IS NULL AND expires_at > :now
        AND last_seen_at > :idle_since AND last_seen_at <= :now - interval '1 minute'
)

SELECT
    access_sessions.id AS session_id,
    people.id,
    people.name,
    people.role,
    people.tenant_id,
    people.collector_id,
    people.grants,
    people.language,
    people.active,
    people.password_hash IS NOT NULL AS has_password,
    people.created_at
FROM access_sessions
INNER JOIN people ON access_sessions.person_id = people.id
WHERE
    access_sessions.digest = :digest
    AND access_sessions.ended_at IS NULL
    AND access_sessions.expires_at > :now
    AND access_sessions.last_seen_at > :idle_since
    AND people.active
