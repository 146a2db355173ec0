-- The extension pool as it is now, as the old table has it.
SELECT
    pool.id, config.tenant_id, pool.config_id, pool.number AS infinity_extension_number,
    CASE WHEN pool.draining THEN 'OFFLINE' ELSE upper(pool.state) END AS status, pool.holder AS current_collector_id,
    pool.allocated_at AS assigned_at, pool.last_used_at
FROM extension_pool AS pool
INNER JOIN infinity_configs AS config ON pool.config_id = config.id
WHERE config.deleted_at IS NULL AND :since IS NOT NULL
ORDER BY pool.id
