-- Open calls, and extensions in use without one, that outlived their deadline; the oldest first. What seems to have begun
-- in the future began before the clock was set back: it is looked into as well.
--
-- A call that rings longer than nine in ten of its configuration's last calls took, and at least ten seconds, probably has
-- lost its callback: it is looked into before its deadline, and again only after that. Of fewer than ten calls nothing is
-- usual.
WITH usual AS (
    SELECT
        c.id AS config_id,
        greatest(percentile_cont(0.9) WITHIN GROUP (ORDER BY recent.length_s), 10) AS length_s
    FROM infinity_configs AS c
    CROSS JOIN
        LATERAL (
            SELECT extract(EPOCH FROM r.settled_at - r.called_at) AS length_s
            FROM (
                SELECT config_id, called_at, settled_at, settled_by FROM communication_records
                WHERE tenant_id = c.tenant_id
                ORDER BY id DESC
                LIMIT 300
            ) AS r
            WHERE r.config_id = c.id AND r.settled_by = 'callback' AND r.settled_at >= r.called_at
        ) AS recent
    WHERE c.deleted_at IS NULL
    GROUP BY c.id
    HAVING count(*) >= 10
)

SELECT r.id AS record_id, r.extension_id, r.extension_number, r.fence, r.config_id, r.deadline
FROM communication_records AS r
LEFT JOIN usual ON r.config_id = usual.config_id
WHERE
    r.closed_at IS NULL
    AND (
        r.deadline <= :now OR r.started_at > :now + interval '5 minutes'
        OR (r.asked_at IS NULL AND r.called_at + make_interval(secs => usual.length_s) <= :now)
    )
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
