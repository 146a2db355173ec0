-- One page of the collectors in the order {order}, with their calls since `since`, the extension used last, whether it is
-- allocated to them now, and with each row how many there are in all. `beginning` is a pattern for names and numbers.
SELECT
    k.tenant_id, k.id, k.name, k.callback_number_masked AS callback_number, k.active, k.updated_at,
    e.id AS extension_id, e.number AS extension, coalesce(e.state = 'in_use' AND e.fence = k.fence, FALSE) AS holds,
    coalesce(calls.number, 0) AS calls_today, count(*) OVER () AS found
FROM collectors AS k
LEFT JOIN extension_pool AS e ON k.extension_id = e.id
LEFT JOIN (
    SELECT tenant_id, collector_id, count(*) AS number
    FROM communication_records
    WHERE started_at >= :since AND (cast(:tenant_id AS bigint) IS NULL OR tenant_id = :tenant_id)
    GROUP BY tenant_id, collector_id
) AS calls ON k.tenant_id = calls.tenant_id AND k.id = calls.collector_id
WHERE
    (cast(:tenant_id AS bigint) IS NULL OR k.tenant_id = :tenant_id)
    AND (cast(:active AS boolean) IS NULL OR k.active = :active)
    AND (cast(:beginning AS text) IS NULL OR k.name LIKE :beginning OR cast(k.id AS text) LIKE :beginning)
ORDER BY {order}
LIMIT :limit OFFSET :offset
