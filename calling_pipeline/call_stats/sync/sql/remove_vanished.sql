-- Delete the day's call records (those from `since` on, if given) that the read did not bring; counts them, and as `late`
-- those called before `settled`.
WITH removed AS (
    DELETE FROM {partition} AS stored
    WHERE
        stored.date = :day
        AND (cast(:since AS timestamptz) IS NULL OR stored.called_at >= :since)
        AND NOT EXISTS (
            SELECT FROM incoming_calls AS incoming
            WHERE incoming.id = stored.id
        )
    RETURNING stored.called_at
)

SELECT
    count(*) AS rows,
    count(*) FILTER (WHERE called_at < :settled) AS late
FROM removed;
