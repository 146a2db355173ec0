-- Extensions in use that no open call explains, allocated before `allocated_before`: between an allocation and its record
-- there is a moment without a call.
SELECT
    e.id AS extension,
    e.number
FROM extension_pool AS e
WHERE
    e.state = 'in_use'
    AND e.allocated_at < :allocated_before
    AND NOT EXISTS (
        SELECT FROM communication_records AS r
        WHERE r.extension_id = e.id AND r.fence = e.fence AND r.closed_at IS NULL
    )
ORDER BY e.id;
