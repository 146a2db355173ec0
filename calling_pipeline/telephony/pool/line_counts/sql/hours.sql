-- What each tenant's lines and collectors did hour by hour from the day `first` to `last`: counted days as they are counted,
-- the others from their records.
SELECT l.hour, l.tenant_id, l.calls, l.connected, l.closed, l.busy_s, l.talk_s, l.gaps, l.idle_s, l.collectors, l.extensions
FROM counted_line_days AS d
INNER JOIN line_hours AS l
    ON
        l.hour >= d.day::timestamp AT TIME ZONE 'Asia/Shanghai'
        AND l.hour < (d.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
WHERE d.day BETWEEN :first AND :last AND (cast(:tenant_id AS bigint) IS NULL OR l.tenant_id = :tenant_id)
UNION ALL
{live}
ORDER BY 1, 2
