-- How late the callbacks of calls of the days {days} came, from the communication records: calls by tenths of a second from
-- the signing to the arrival. `swept`: the line was released before the call's end was known, whatever came later; `lost`: the
-- call has ended and no callback came. Calls that were never made, and those under way, are none of them.
SELECT
    d.day,
    c.tenant_id,
    o.outcome,
    CASE o.outcome WHEN 'callback' THEN cast(round(c.callback_delay_s * 10) AS integer) ELSE 0 END AS tenths,
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
            WHEN c.settled_at IS NULL OR c.closed_at < c.settled_at THEN 'swept'
            WHEN c.callback_delay_s IS NULL THEN 'lost'
            ELSE 'callback'
        END AS outcome
    ) AS o
WHERE o.outcome IS NOT NULL AND (cast(:tenant_id AS bigint) IS NULL OR c.tenant_id = :tenant_id)
GROUP BY 1, 2, 3, 4
