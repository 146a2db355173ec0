-- Delete at most :limit events by which Dagster shows partitions of an asset before :first_kept, with their tags, and return
-- the partitions. Events of runs that are not finished stay: what they materialize is there again at their end.
WITH wiped AS (
    DELETE FROM event_logs
    WHERE
        id IN (
            SELECT shown.id FROM event_logs AS shown
            WHERE
                shown.asset_key = :asset_key AND shown.partition < :first_kept
                AND shown.dagster_event_type IN (
                    'ASSET_MATERIALIZATION', 'ASSET_MATERIALIZATION_PLANNED', 'ASSET_OBSERVATION', 'ASSET_FAILED_TO_MATERIALIZE'
                )
                AND NOT EXISTS (
                    SELECT FROM runs
                    WHERE runs.run_id = shown.run_id AND runs.status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')
                )
            LIMIT :limit
        )
    RETURNING id, partition
),

untagged AS (
    DELETE FROM asset_event_tags
    USING wiped
    WHERE asset_event_tags.event_id = wiped.id
)

SELECT partition FROM wiped;
