-- The person whose token has this digest: not revoked, not expired at `now`, and an active person; no row otherwise.
-- Notes the token's use, at most once per minute: one of two concurrent readers writes.
WITH used AS (
    UPDATE access_tokens
    SET last_used_at = :now
    WHERE
        digest = :digest AND revoked_at IS NULL
        AND (last_used_at IS NULL OR last_used_at <= :now - interval '1 minute')
)

SELECT
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
FROM access_tokens
INNER JOIN people ON access_tokens.person_id = people.id
WHERE
    access_tokens.digest = :digest
    AND access_tokens.revoked_at IS NULL
    AND (access_tokens.expires_at IS NULL OR access_tokens.expires_at > :now)
    AND people.active
