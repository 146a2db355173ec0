-- Attempts and calls of the day's batches, and when the first and the last was recorded.
SELECT
    count(*) AS attempts, count(*) FILTER (WHERE outcome IN ('pushed', 'settled_pushed')) AS pushed,
    min(recorded_at) AS first, max(recorded_at) AS last
FROM call_log
WHERE batch_id IN (
    SELECT id FROM call_batches
    WHERE day = :day
);
