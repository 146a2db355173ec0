-- Calls that one tenant began within the hour and the 24 hours before `now`, and the most of any one collector among them. A
-- call that certainly was not made does not count.
SELECT
    cast(coalesce(sum(hour), 0) AS bigint) AS calls_per_hour,
    cast(coalesce(sum(day), 0) AS bigint) AS calls_per_day,
    coalesce(max(hour), 0) AS collector_calls_per_hour,
    coalesce(max(day), 0) AS collector_calls_per_day
FROM (
    SELECT
        count(*) FILTER (WHERE started_at > :now - interval '1 hour') AS hour,
        count(*) AS day
    FROM communication_records
    WHERE
        tenant_id = :tenant_id AND started_at > :now - interval '1 day'
        AND NOT (state = 'failed' AND settled_by = 'make_call')
    GROUP BY collector_id
) AS of_collector;
