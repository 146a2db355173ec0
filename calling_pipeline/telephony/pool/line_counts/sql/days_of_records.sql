-- What each extension and each collector did on the days {days}, from the communication records. A call belongs to the day
-- on which it began; `dropped`: not connected, and over before the line had rung for its time limit.
SELECT
    r.day,
    CASE grouping(r.extension_id) WHEN 0 THEN 'extension' ELSE 'collector' END AS kind,
    r.tenant_id,
    coalesce(r.extension_id, r.collector_id) AS line_id,
    CASE grouping(r.extension_id) WHEN 0 THEN max(r.extension_number) ELSE '' END AS number,
    count(*) AS calls,
    count(*) FILTER (WHERE r.state = 'connected') AS connected,
    count(*) FILTER (WHERE r.state = 'failed') AS failed,
    count(*) FILTER (WHERE r.state = 'unknown') AS unknown,
    count(*) FILTER (WHERE r.state = 'connected' AND r.duration_s < 5) AS short_5,
    count(*) FILTER (WHERE r.state = 'connected' AND r.duration_s < 10) AS short_10,
    count(*) FILTER (WHERE r.state = 'connected' AND r.duration_s < 20) AS short_20,
    count(*) FILTER (WHERE r.state = 'connected' AND r.duration_s < 30) AS short_30,
    count(*) FILTER (WHERE r.dropped) AS dropped,
    cast(coalesce(sum(r.busy_s), 0) AS bigint) AS busy_s,
    cast(coalesce(sum(r.duration_s) FILTER (WHERE r.state = 'connected'), 0) AS bigint) AS talk_s,
    min(r.started_at) AS first_at,
    max(r.started_at) AS last_at
FROM (
    SELECT
        d.day, c.tenant_id, c.extension_id, c.collector_id, c.extension_number, c.state, c.duration_s, c.started_at,
        extract(EPOCH FROM c.closed_at - c.started_at) AS busy_s,
        c.state IN ('not_connected', 'cancelled') AND c.settled_by = 'callback'
        AND c.closed_at - coalesce(c.called_at, c.started_at) < make_interval(secs => i.ring_timeout_s) AS dropped
    FROM {days} AS d
    INNER JOIN communication_records AS c
        ON
            c.started_at >= d.day::timestamp AT TIME ZONE 'Asia/Shanghai'
            AND c.started_at < (d.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
    INNER JOIN infinity_configs AS i ON c.config_id = i.id
    WHERE cast(:tenant_id AS bigint) IS NULL OR c.tenant_id = :tenant_id
) AS r
GROUP BY GROUPING SETS ((r.day, r.tenant_id, r.extension_id), (r.day, r.tenant_id, r.collector_id))
