-- Delete at most :limit check executions from before :before: results that a newer result of the same check and partition
-- replaces, and plans that never came to a result; from before :passed_before only results that passed. The newest result of
-- every check and partition stays, and so does what belongs to a run that is not finished. Of the assets of :centre, whose
-- keys begin with it; without one, of those that begin with none of the :others.
WITH newest AS (
    SELECT max(id) AS id
    FROM asset_check_executions
    WHERE execution_status <> 'PLANNED'
    GROUP BY asset_key, check_name, partition
)

DELETE FROM asset_check_executions
WHERE id IN (
    SELECT old.id FROM asset_check_executions AS old
    WHERE
        (
            old.evaluation_event_timestamp < :before
            OR (old.execution_status = 'SUCCEEDED' AND old.evaluation_event_timestamp < :passed_before)
        )
        AND (:centre = '' OR starts_with(old.asset_key, '["' || :centre || '", '))
        AND NOT EXISTS (
            SELECT FROM unnest(cast(:others AS text[])) AS other (centre)
            WHERE starts_with(old.asset_key, '["' || other.centre || '", ')
        )
        AND NOT EXISTS (
            SELECT FROM newest
            WHERE newest.id = old.id
        )
        AND NOT EXISTS (
            SELECT FROM runs
            WHERE runs.run_id = old.run_id AND runs.status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')
        )
    LIMIT :limit
);
