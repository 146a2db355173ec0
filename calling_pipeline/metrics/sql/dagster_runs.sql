-- Runs that are not over by status, and the seconds that the first in the queue has waited. Dagster keeps times in UTC
-- without saying so.
SELECT
    lower(status) AS status,
    count(*) AS number,
    extract(EPOCH FROM now() - min(create_timestamp) AT TIME ZONE 'UTC')::float AS oldest_s
FROM runs
WHERE status IN ('QUEUED', 'NOT_STARTED', 'STARTING', 'STARTED', 'CANCELING')
GROUP BY status;
