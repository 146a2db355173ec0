-- Whether an extension under any configuration of the tenant is allocated to the collector.
SELECT exists(
    SELECT FROM extension_pool AS e
    INNER JOIN infinity_configs AS c ON e.config_id = c.id
    WHERE e.holder = :collector_id AND c.tenant_id = :tenant_id
) AS holds
