-- Delete at most :limit step-by-step events of finished runs of :centre (empty: those of none) older than :before. Asset events and check evaluations stay:
-- the UI shows them.
DELETE FROM event_logs
WHERE id IN (
    SELECT event_logs.id FROM event_logs
    INNER JOIN runs ON event_logs.run_id = runs.run_id
    WHERE
        event_logs.asset_key IS NULL
        AND coalesce(event_logs.dagster_event_type, '') NOT IN (
            'ASSET_CHECK_EVALUATION', 'ASSET_CHECK_EVALUATION_PLANNED', 'FRESHNESS_STATE_CHANGE'
        )
        AND runs.status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND runs.create_timestamp < :before
        AND coalesce(
            (
                SELECT tag.value FROM run_tags AS tag
                WHERE tag.run_id = runs.run_id AND tag.key = 'calling/centre'
                LIMIT 1
            ), ''
        ) = :centre
    LIMIT :limit
);
