-- Open calls whose extension is not allocated to that collector under that token.
SELECT r.id AS call
FROM communication_records AS r
WHERE
    r.closed_at IS NULL
    AND NOT EXISTS (
        SELECT FROM extension_pool AS e
        WHERE e.id = r.extension_id AND e.fence = r.fence AND e.state = 'in_use' AND e.holder = r.collector_id
    )
ORDER BY r.id;
