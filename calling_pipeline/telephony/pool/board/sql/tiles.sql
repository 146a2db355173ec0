-- Every extension as people see it at the instant `now`: one word for its state, until when that lasts, who holds it since
-- when, and the open call on it.
SELECT
    e.id, c.tenant_id, e.config_id, c.name AS config_name, e.number, e.label, e.holder, k.name AS holder_name, e.fence,
    e.allocated_at, e.last_used_at, e.failures, e.offline_reason, r.id AS call_id, r.state AS call_state,
    CASE
        WHEN e.state = 'in_use' AND e.draining THEN 'draining'
        WHEN e.state = 'in_use' THEN 'in_use'
        WHEN e.state = 'offline' AND e.offline_reason LIKE 'quarantine%' THEN 'quarantine'
        WHEN e.state = 'offline' THEN 'offline'
        WHEN NOT c.enabled THEN 'disabled'
        WHEN NOT extension_is_ready(e.ready_at, :now, make_interval(secs => c.cool_down_s)) THEN 'cooling'
        ELSE 'free'
    END AS shown,
    CASE
        WHEN e.state = 'offline' THEN e.quarantined_until
        WHEN e.state = 'available' AND e.ready_at > :now THEN e.ready_at
    END AS until
FROM extension_pool AS e
INNER JOIN infinity_configs AS c ON e.config_id = c.id AND c.deleted_at IS NULL
LEFT JOIN collectors AS k ON c.tenant_id = k.tenant_id AND e.holder = k.id
LEFT JOIN communication_records AS r ON e.id = r.extension_id AND r.closed_at IS NULL
WHERE
    (cast(:tenant_id AS bigint) IS NULL OR c.tenant_id = :tenant_id)
    AND (cast(:config_id AS bigint) IS NULL OR e.config_id = :config_id)
    AND (cast(:extension_id AS bigint) IS NULL OR e.id = :extension_id)
    AND (cast(:number AS text) IS NULL OR e.number LIKE :number)
