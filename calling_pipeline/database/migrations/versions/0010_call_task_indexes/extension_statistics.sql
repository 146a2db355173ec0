-- The pools as they stand; the form of version 0.1.0. Frozen.
CREATE VIEW extension_statistics AS
SELECT c.tenant_id, c.id AS config_id, c.name AS config_name, c.enabled, c.max_concurrent_calls,
       count(e.id) AS total,
       count(e.id) FILTER (WHERE e.state = 'available') AS available,
       count(e.id) FILTER (WHERE e.state = 'in_use') AS in_use,
       count(e.id) FILTER (WHERE e.state = 'offline') AS offline,
       count(e.id) FILTER (WHERE e.state = 'offline' AND e.offline_reason LIKE 'quarantine%') AS quarantined,
       count(e.id) FILTER (WHERE e.draining) AS draining,
       max(e.last_used_at) AS last_used_at
FROM infinity_configs c LEFT JOIN extension_pool e ON e.config_id = c.id
WHERE c.deleted_at IS NULL
GROUP BY c.id;
