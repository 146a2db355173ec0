-- The extension pool as it is now, as the old table has it; the ids of this system are not those there, so the account is named.
SELECT
    config.tenant_id, config.name AS config_name, pool.number AS infinity_extension_number,
    CASE WHEN pool.draining THEN 'OFFLINE' ELSE upper(pool.state) END AS status, pool.holder AS current_collector_id,
    pool.allocated_at AS assigned_at, pool.last_used_at
FROM extension_pool AS pool
INNER JOIN infinity_configs AS config ON pool.config_id = config.id
WHERE config.deleted_at IS NULL AND :since IS NOT NULL
ORDER BY pool.id
