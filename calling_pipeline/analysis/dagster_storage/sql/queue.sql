-- Runs of :centre (empty: those of none) that wait, the seconds that the first of them has waited, and runs under way.
SELECT
    count(*) FILTER (WHERE status = 'QUEUED') AS queued,
    extract(
        EPOCH FROM now() - min(create_timestamp) FILTER (WHERE status = 'QUEUED') AT TIME ZONE 'UTC'
    )::float AS oldest_queued_s,
    count(*) FILTER (WHERE status IN ('STARTING', 'STARTED', 'CANCELING')) AS running
FROM runs
WHERE
    status IN ('QUEUED', 'STARTING', 'STARTED', 'CANCELING')
    AND coalesce(
        (
            SELECT tag.value FROM run_tags AS tag
            WHERE tag.run_id = runs.run_id AND tag.key = 'calling/centre'
            LIMIT 1
        ), ''
    ) = :centre;
