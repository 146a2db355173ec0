-- Calls of the day's batches that came too soon after another call of the same number, by their batch's recall window.
SELECT call_task_id AS call, batch_id AS batch
FROM (
    SELECT
        log.call_task_id, log.batch_id, log.phone, batch.recall_days, batch.day,
        coalesce(log.sent_at, log.recorded_at) - lag(coalesce(log.sent_at, log.recorded_at)) OVER (
            PARTITION BY log.phone ORDER BY coalesce(log.sent_at, log.recorded_at), log.id
        ) AS since_last
    FROM call_log AS log
    INNER JOIN call_batches AS batch ON batch.id = log.batch_id
    WHERE
        log.outcome IN ('pushed', 'settled_pushed')
        AND log.phone IN (
            SELECT phone FROM call_log
            WHERE outcome IN (
                'pushed', 'settled_pushed') AND batch_id IN (
                SELECT id FROM call_batches
                WHERE day = :day
            )
        )
) AS paired
WHERE day = :day AND since_last IS NOT NULL AND (recall_days IS NULL OR since_last < make_interval(days => recall_days))
LIMIT :limit;
