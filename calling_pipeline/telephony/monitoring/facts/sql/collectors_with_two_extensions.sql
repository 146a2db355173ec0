-- Collectors who hold more than one extension.
SELECT
    c.tenant_id AS tenant,
    e.holder AS collector,
    count(*) AS extensions
FROM extension_pool AS e
INNER JOIN infinity_configs AS c ON e.config_id = c.id
WHERE e.state = 'in_use'
GROUP BY c.tenant_id, e.holder
HAVING count(*) > 1
ORDER BY c.tenant_id, e.holder;
