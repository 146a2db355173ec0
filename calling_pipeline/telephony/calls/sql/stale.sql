-- Open calls, and extensions in use without one, that outlived their deadline; the oldest first. What seems to have begun
-- in the future began before the clock was set back: it is looked into as well.
SELECT id AS record_id, extension_id, extension_number, fence, config_id, deadline
FROM communication_records
WHERE closed_at IS NULL AND (deadline <= :now OR started_at > :now + interval '5 minutes')
UNION ALL
SELECT NULL AS record_id, e.id, e.number, e.fence, e.config_id, e.lease_until
FROM extension_pool AS e
WHERE
    e.state = 'in_use' AND (e.lease_until <= :now OR e.allocated_at > :now + interval '5 minutes')
    AND NOT EXISTS (
        SELECT FROM communication_records AS r
        WHERE r.extension_id = e.id AND r.fence = e.fence AND r.closed_at IS NULL
    )
ORDER BY deadline
LIMIT :limit;
