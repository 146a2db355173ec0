-- The pool's snapshots from `first` to before `last` by hour: the mean and the highest utilisation, in per cent, and the most
-- extensions in use at once. Snapshots of one instant count together.
SELECT
    date_trunc('hour', taken_at) AS hour,
    cast(avg(pct) AS double precision) AS mean_pct,
    cast(max(pct) AS double precision) AS peak_pct,
    max(in_use) AS peak_in_use
FROM (
    SELECT
        u.taken_at,
        sum(u.in_use) AS in_use,
        100.0 * sum(u.in_use) / greatest(sum(u.total - u.offline), 1) AS pct
    FROM infinity_configs AS c
    INNER JOIN extension_utilisation AS u ON c.id = u.config_id AND u.taken_at >= :first AND u.taken_at < :last
    WHERE cast(:tenant_id AS bigint) IS NULL OR c.tenant_id = :tenant_id
    GROUP BY u.taken_at
) AS at_once
GROUP BY 1
