-- Batches that are not over by state, calls that are being pushed or whose outcome is unknown (at most :most of each), and
-- the seconds since the oldest open batch was planned.
SELECT
    (
        SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM (
            SELECT state, count(*) AS number FROM call_batches
            WHERE state NOT IN ('cancelled', 'completed')
            GROUP BY state
        ) AS by_state
    ) AS batches,
    jsonb_build_object(
        'pushing', (
            SELECT count(*) FROM (
                SELECT 1 FROM call_tasks
                WHERE state = 'pushing'
                LIMIT :most
            ) AS first_calls
        ),
        'unknown', (
            SELECT count(*) FROM (
                SELECT 1 FROM call_tasks
                WHERE state = 'unknown'
                LIMIT :most
            ) AS first_calls
        )
    ) AS calls,
    (
        SELECT extract(EPOCH FROM cast(:now AS timestamptz) - min(planned_at))::float
        FROM call_batches
        WHERE state NOT IN ('cancelled', 'completed')
    ) AS oldest_s;
