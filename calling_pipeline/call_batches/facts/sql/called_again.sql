-- Calls of the day's batches that came too soon after another call of the same number, by their batch's recall window. A redial
-- of that other call is none, unless it came before the hours of its rule were over or more often than the rule allows.
SELECT paired.call_task_id AS call, paired.batch_id AS batch
FROM (
    SELECT
        log.call_task_id, log.batch_id, log.phone, batch.recall_days, batch.day, batch.redial,
        lag(log.call_task_id) OVER (
            PARTITION BY log.phone ORDER BY coalesce(log.sent_at, log.recorded_at), log.id
        ) AS call_before,
        count(*) OVER (
            PARTITION BY log.phone, batch.calling_task_id ORDER BY coalesce(log.sent_at, log.recorded_at), log.id
        ) AS calls_by_task,
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
LEFT JOIN LATERAL (
    SELECT allowing.result, allowing.after_hours, allowing.at_most
    FROM call_tasks AS task
    INNER JOIN jsonb_to_recordset(paired.redial) AS allowing (result text, after_hours double precision, at_most integer)
        ON allowing.result = task.redial
    WHERE paired.redial <> '[]' AND task.id = paired.call_task_id AND task.redial_of = paired.call_before
    LIMIT 1
) AS rule ON TRUE
WHERE
    paired.day = :day AND paired.since_last IS NOT NULL
    AND (paired.recall_days IS NULL OR paired.since_last < make_interval(days => paired.recall_days))
    AND (
        rule.result IS NULL OR paired.since_last < make_interval(secs => rule.after_hours * 3600)
        OR paired.calls_by_task - 1 > rule.at_most
    )
LIMIT :limit;
