-- Runs that are not over by status, and the seconds that the first of them has waited: those of the centre :centre, all of
-- them if that is empty. Dagster keeps times in UTC without saying so.
SELECT
    lower(status) AS status,
    count(*) AS number,
    extract(EPOCH FROM now() - min(create_timestamp) AT TIME ZONE 'UTC')::float AS oldest_s
FROM runs
WHERE
    status IN ('QUEUED', 'NOT_STARTED', 'STARTING', 'STARTED', 'CANCELING')
    AND (
        :centre = '' OR EXISTS (
            SELECT 1 FROM run_tags
            WHERE run_tags.run_id = runs.run_id AND run_tags.key = :tag AND run_tags.value = :centre
        )
    )
GROUP BY status;
