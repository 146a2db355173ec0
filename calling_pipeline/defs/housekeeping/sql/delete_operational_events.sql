-- Delete the step-by-step events of finished runs older than :before. Asset events and check evaluations stay: the UI
-- shows them.
DELETE FROM event_logs
WHERE
    asset_key IS NULL
    AND coalesce(dagster_event_type, '') NOT IN (
        'ASSET_CHECK_EVALUATION', 'ASSET_CHECK_EVALUATION_PLANNED', 'FRESHNESS_STATE_CHANGE'
    )
    AND run_id IN (
        SELECT run_id FROM runs
        WHERE status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND create_timestamp < :before
    );
