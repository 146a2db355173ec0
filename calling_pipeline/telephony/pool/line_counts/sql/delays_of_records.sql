-- How late the callbacks of calls of the days {days} came, from the communication records: calls by tenths of a second from
-- the signing to the arrival. `swept`: the line had been taken back before the callback came; `lost`: the line was released
-- and no callback has come, whatever the bill says. Calls that were never made, and those under way, are none of them.
SELECT
    d.day,
    c.tenant_id,
    o.outcome,
    cast(coalesce(round(c.callback_delay_s * 10), 0) AS integer) AS tenths,
    count(*) AS calls
FROM {days} AS d
INNER JOIN communication_records AS c
    ON
        c.started_at >= d.day::timestamp AT TIME ZONE 'Asia/Shanghai'
        AND c.started_at < (d.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
CROSS JOIN
    LATERAL (
        SELECT CASE
            WHEN c.settled_by = 'make_call' OR c.closed_at IS NULL THEN NULL
            WHEN c.callback_delay_s IS NULL THEN 'lost'
            WHEN c.closed_at < c.settled_at THEN 'swept'
            ELSE 'callback'
        END AS outcome
    ) AS o
WHERE o.outcome IS NOT NULL AND (cast(:tenant_id AS bigint) IS NULL OR c.tenant_id = :tenant_id)
GROUP BY 1, 2, 3, 4
