-- What each tenant's lines and collectors did in the hours of the days {days}, from the communication records. A call belongs
-- to the hour in which it began; a pause to the hour of the call before it, and one of more than half an hour is none.
SELECT
    date_trunc('hour', r.started_at, 'Asia/Shanghai') AS hour,
    r.tenant_id,
    count(*) AS calls,
    count(*) FILTER (WHERE r.state = 'connected') AS connected,
    count(r.closed_at) AS closed,
    cast(coalesce(sum(extract(EPOCH FROM r.closed_at - r.started_at)), 0) AS bigint) AS busy_s,
    cast(coalesce(sum(r.duration_s) FILTER (WHERE r.state = 'connected'), 0) AS bigint) AS talk_s,
    count(*) FILTER (WHERE r.gap BETWEEN interval '0' AND interval '30 minutes') AS gaps,
    cast(coalesce(sum(extract(EPOCH FROM r.gap)) FILTER (
        WHERE r.gap BETWEEN interval '0' AND interval '30 minutes'
    ), 0) AS bigint) AS idle_s,
    count(DISTINCT r.collector_id) AS collectors,
    count(DISTINCT r.extension_id) AS extensions
FROM (
    SELECT
        c.tenant_id, c.collector_id, c.extension_id, c.state, c.duration_s, c.started_at, c.closed_at,
        lead(c.started_at) OVER (
            PARTITION BY d.day, c.tenant_id, c.collector_id ORDER BY c.started_at, c.id
        ) - c.closed_at AS gap
    FROM {days} AS d
    INNER JOIN communication_records AS c
        ON
            c.started_at >= d.day::timestamp AT TIME ZONE 'Asia/Shanghai'
            AND c.started_at < (d.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
    WHERE cast(:tenant_id AS bigint) IS NULL OR c.tenant_id = :tenant_id
) AS r
GROUP BY 1, 2
