-- Finished runs of :centre (empty: those of none) older than :before on which no partition's newest
-- materialization rests, oldest first.
WITH needed AS (
    SELECT DISTINCT ON (asset_key, partition) run_id
    FROM event_logs
    WHERE dagster_event_type = 'ASSET_MATERIALIZATION'
    ORDER BY asset_key, partition, id DESC
)

SELECT runs.run_id
FROM runs
WHERE
    runs.status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND runs.create_timestamp < :before
    AND runs.run_id NOT IN (SELECT needed.run_id FROM needed)
    AND coalesce(
        (
            SELECT tag.value FROM run_tags AS tag
            WHERE tag.run_id = runs.run_id AND tag.key = 'calling/centre'
            LIMIT 1
        ), ''
    ) = :centre
ORDER BY runs.id
LIMIT :limit;
