-- Batches that are not over by state, calls that are being pushed or whose outcome is unknown, and the seconds since the
-- oldest open batch was planned.
SELECT
    (
        SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM (
            SELECT state, count(*) AS number FROM call_batches
            WHERE state NOT IN ('cancelled', 'completed')
            GROUP BY state
        ) AS by_state
    ) AS batches,
    (
        SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM (
            SELECT state, count(*) AS number FROM call_tasks
            WHERE state IN ('pushing', 'unknown')
            GROUP BY state
        ) AS by_state
    ) AS calls,
    (
        SELECT extract(EPOCH FROM cast(:now AS timestamptz) - min(planned_at))::float
        FROM call_batches
        WHERE state NOT IN ('cancelled', 'completed')
    ) AS oldest_s;
