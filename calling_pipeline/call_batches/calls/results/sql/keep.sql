-- Keep the judged results: new ones are added, changed ones replaced, equal ones not written. A result whose call record is of
-- a day before `kept_from` stays: that record may be gone by its retention, which changes nothing about the call.
-- A record without a state was not dialled, as the counts of a day have it.
WITH judged AS (
    SELECT
        call_task_id, batch_id, calling_task_id, day, phone, pushed_at,
        CASE
            WHEN record_id IS NULL THEN 'waiting'
            WHEN call_state = 2 THEN 'connected'
            WHEN call_state = 1 THEN 'not_connected'
            ELSE 'not_dialled'
        END AS result,
        record_id, called_at, talk_s, coalesce(order_yuan, 0) AS order_yuan, agent_id, hangup_reason, province
    FROM judged_results
)

INSERT INTO call_results (
    call_task_id, batch_id, calling_task_id, day, phone, pushed_at, result, record_id, called_at, talk_s, order_yuan, agent_id,
    hangup_reason, province, judged_at
)
SELECT
    judged.call_task_id, judged.batch_id, judged.calling_task_id, judged.day, judged.phone, judged.pushed_at, judged.result,
    judged.record_id, judged.called_at, judged.talk_s, judged.order_yuan, judged.agent_id, judged.hangup_reason,
    judged.province, :now
FROM judged
LEFT JOIN call_results AS known ON judged.call_task_id = known.call_task_id
WHERE
    known.call_task_id IS NULL
    OR (known.called_at IS NULL OR known.called_at >= :kept_from)
    AND (
        known.pushed_at, known.result, known.record_id, known.called_at, known.talk_s, known.order_yuan, known.agent_id,
        known.hangup_reason, known.province
    ) IS DISTINCT FROM (
        judged.pushed_at, judged.result, judged.record_id, judged.called_at, judged.talk_s, judged.order_yuan, judged.agent_id,
        judged.hangup_reason, judged.province
    )
ON CONFLICT (call_task_id) DO UPDATE SET
    pushed_at = excluded.pushed_at,
    result = excluded.result,
    record_id = excluded.record_id,
    called_at = excluded.called_at,
    talk_s = excluded.talk_s,
    order_yuan = excluded.order_yuan,
    agent_id = excluded.agent_id,
    hangup_reason = excluded.hangup_reason,
    province = excluded.province,
    judged_at = excluded.judged_at;
