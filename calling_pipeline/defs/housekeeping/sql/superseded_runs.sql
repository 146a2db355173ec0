-- Finished runs older than :before that no partition's newest materialization rests on, oldest first.
WITH needed AS (
    SELECT DISTINCT ON (asset_key, partition) run_id
    FROM event_logs
    WHERE dagster_event_type = 'ASSET_MATERIALIZATION'
    ORDER BY asset_key, partition, id DESC
)

SELECT run_id
FROM runs
WHERE
    status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND create_timestamp < :before
    AND run_id NOT IN (SELECT run_id FROM needed)
ORDER BY id
LIMIT :limit;
