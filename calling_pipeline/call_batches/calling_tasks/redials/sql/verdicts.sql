-- Numbers whose last call was one of this calling task's, within the recall window, and whose result a redial rule is about
-- or is not known yet: `redial_of` that call, `rule` the rule's result, `free_at` when its hours are over, and the `reason`
-- against a redial now (null: there is none). A call of another task, or made elsewhere, within the window, an order, a
-- longer talk and a call that no rule is about keep `called_before`. Hours count from the last contact of any room; redials
-- count in the call log.
WITH rules AS MATERIALIZED (
    SELECT rule.result, rule.after_hours, rule.at_most, rule.below_s
    FROM jsonb_to_recordset(cast(:rules AS jsonb)) AS rule (
        result text, after_hours double precision, at_most integer, below_s integer
    )
),

last_call AS MATERIALIZED (
    SELECT
        history.phone, history.last_call_task_id, greatest(history.last_called_at, outcome.called_at) AS called_at,
        outcome.talk_s,
        history.imported_called_at IS NOT NULL
        AND (
            cast(:recall_from AS timestamptz) IS NULL OR history.imported_called_at > :recall_from
        ) AS elsewhere,
        CASE
            WHEN outcome.result IS NULL OR outcome.result = 'waiting' THEN 'waiting'
            WHEN outcome.order_yuan > 0 THEN 'ordered'
            WHEN outcome.result = 'connected' THEN 'short_talk'
            WHEN outcome.result = 'not_connected' AND outcome.hangup_reason ~* :busy THEN 'busy'
            WHEN outcome.result = 'not_connected' AND outcome.hangup_reason ~* :no_answer THEN 'no_answer'
            ELSE outcome.result
        END AS result
    FROM call_history AS history
    INNER JOIN call_batches AS batch ON batch.id = history.last_batch_id AND batch.calling_task_id = :task_id
    LEFT JOIN call_results AS outcome ON outcome.call_task_id = history.last_call_task_id
    WHERE (cast(:recall_from AS timestamptz) IS NULL OR history.last_called_at > :recall_from) {only}
),

ruled AS MATERIALIZED (
    SELECT
        last_call.phone, last_call.last_call_task_id, last_call.called_at, last_call.elsewhere, rule.result AS rule,
        rule.at_most, make_interval(secs => rule.after_hours * 3600) AS after
    FROM last_call
    LEFT JOIN LATERAL (
        SELECT rules.*
        FROM rules
        WHERE
            (
                rules.result = last_call.result
                OR rules.result = 'not_connected' AND last_call.result IN ('busy', 'no_answer')
            )
            AND (rules.result <> 'short_talk' OR last_call.talk_s < rules.below_s)
        ORDER BY (rules.result = last_call.result) DESC
        LIMIT 1
    ) AS rule ON TRUE
    WHERE rule.result IS NOT NULL OR last_call.result = 'waiting'
),

counted AS (
    SELECT
        log.phone, count(*) FILTER (WHERE batch.calling_task_id = :task_id) AS calls,
        bool_or(
            batch.calling_task_id <> :task_id
            AND (
                cast(:recall_from AS timestamptz) IS NULL OR coalesce(log.sent_at, log.recorded_at) > :recall_from
            )
        ) AS by_others
    FROM ruled
    INNER JOIN call_log AS log ON log.phone = ruled.phone AND log.outcome IN ('pushed', 'settled_pushed')
    INNER JOIN call_batches AS batch ON batch.id = log.batch_id
    WHERE ruled.rule IS NOT NULL
    GROUP BY log.phone
),

timed AS (
    SELECT
        ruled.*, counted.calls, counted.by_others, greatest(ruled.called_at, contacted.at) + ruled.after AS free_at
    FROM ruled
    LEFT JOIN counted ON counted.phone = ruled.phone
    LEFT JOIN LATERAL (
        SELECT max(contact_attempts.at) AS at
        FROM contact_attempts
        WHERE contact_attempts.phone = ruled.phone AND ruled.rule IS NOT NULL
    ) AS contacted ON TRUE
)

SELECT
    phone, last_call_task_id AS redial_of, rule, free_at,
    CASE
        WHEN rule IS NULL THEN 'redial_waiting'
        WHEN calls IS NULL OR by_others OR elsewhere THEN 'called_before'
        WHEN calls > at_most THEN 'redial_used_up'
        WHEN free_at > :now THEN 'redial_too_soon'
    END AS reason
FROM timed;
