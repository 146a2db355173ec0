-- What each line of a kind (extension or collector) did from the day `first` to `last`: counted days as they are counted, the
-- others from their records.
SELECT
    u.tenant_id,
    u.line_id,
    max(u.number) AS number,
    coalesce(max(k.name), '') AS name,
    cast(sum(u.calls) AS bigint) AS calls,
    cast(sum(u.connected) AS bigint) AS connected,
    cast(sum(u.failed) AS bigint) AS failed,
    cast(sum(u.unknown) AS bigint) AS unknown,
    cast(sum(u.short_5) AS bigint) AS short_5,
    cast(sum(u.short_10) AS bigint) AS short_10,
    cast(sum(u.short_20) AS bigint) AS short_20,
    cast(sum(u.short_30) AS bigint) AS short_30,
    cast(sum(u.dropped) AS bigint) AS dropped,
    cast(sum(u.busy_s) AS bigint) AS busy_s,
    cast(sum(u.talk_s) AS bigint) AS talk_s,
    min(u.first_at) AS first_at,
    max(u.last_at) AS last_at
FROM (
    SELECT l.*
    FROM line_days AS l
    INNER JOIN counted_line_days AS d ON l.day = d.day
    WHERE l.day BETWEEN :first AND :last AND l.kind = :kind AND (cast(:tenant_id AS bigint) IS NULL OR l.tenant_id = :tenant_id)
    UNION ALL
    {live}
) AS u
LEFT JOIN collectors AS k ON u.kind = 'collector' AND u.tenant_id = k.tenant_id AND u.line_id = k.id
WHERE u.kind = :kind
GROUP BY u.tenant_id, u.line_id
ORDER BY u.tenant_id, u.line_id
