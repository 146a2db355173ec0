-- Extension numbers in the pools of several tenants, some of them, and how many there are.
SELECT pool.number, string_agg(DISTINCT config.tenant_id::text, ', ') AS tenants, count(*) OVER () AS numbers
FROM extension_pool AS pool
INNER JOIN infinity_configs AS config ON pool.config_id = config.id
WHERE config.deleted_at IS NULL
GROUP BY pool.number
HAVING count(DISTINCT config.tenant_id) > 1
ORDER BY pool.number
LIMIT :examples
