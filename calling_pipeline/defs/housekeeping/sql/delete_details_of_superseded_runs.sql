-- Delete at most :limit events of successful runs of :centre (empty: those of none) from before :before that materialized something, and on which no
-- partition's newest materialization rests: their steps, what they planned to judge, and evaluations whose result is deleted.
-- Asset events stay.
WITH needed AS (
    SELECT DISTINCT ON (asset_key, partition) run_id
    FROM event_logs
    WHERE dagster_event_type = 'ASSET_MATERIALIZATION'
    ORDER BY asset_key, partition, id DESC
)

DELETE FROM event_logs
WHERE id IN (
    SELECT event_logs.id FROM event_logs
    INNER JOIN runs ON event_logs.run_id = runs.run_id
    WHERE
        event_logs.asset_key IS NULL
        AND coalesce(event_logs.dagster_event_type, '') <> 'FRESHNESS_STATE_CHANGE'
        AND (
            coalesce(event_logs.dagster_event_type, '') <> 'ASSET_CHECK_EVALUATION'
            OR NOT EXISTS (
                SELECT FROM asset_check_executions
                WHERE asset_check_executions.evaluation_event_storage_id = event_logs.id
            )
        )
        AND runs.status = 'SUCCESS' AND runs.create_timestamp < :before
        AND coalesce(
            (
                SELECT tag.value FROM run_tags AS tag
                WHERE tag.run_id = runs.run_id AND tag.key = 'calling/centre'
                LIMIT 1
            ), ''
        ) = :centre
        AND runs.run_id NOT IN (SELECT needed.run_id FROM needed)
        AND EXISTS (
            SELECT FROM event_logs AS done
            WHERE done.run_id = runs.run_id AND done.dagster_event_type = 'ASSET_MATERIALIZATION'
        )
    LIMIT :limit
);
