-- Calls that one tenant, and one of its collectors, began within the hour and the 24 hours before `now`. A call that
-- certainly was not made does not count.
SELECT
    count(*) FILTER (WHERE started_at > :now - interval '1 hour') AS calls_per_hour,
    count(*) AS calls_per_day,
    count(*) FILTER (
        WHERE collector_id = :collector_id AND started_at > :now - interval '1 hour'
    ) AS collector_calls_per_hour,
    count(*) FILTER (WHERE collector_id = :collector_id) AS collector_calls_per_day
FROM communication_records
WHERE
    tenant_id = :tenant_id AND started_at > :now - interval '1 day'
    AND NOT (state = 'failed' AND settled_by = 'make_call');
