-- The person of that name, whatever its case, active or not; columns in the order of the record `Person`.
SELECT
    id,
    name,
    role,
    tenant_id,
    collector_id,
    grants,
    language,
    active,
    password_hash IS NOT NULL AS has_password,
    created_at
FROM people
WHERE lower(name) = lower(:name)
