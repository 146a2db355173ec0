-- Write outcomes with their log, history and refusal rows, all at once. An outcome counts only for the claim it belongs to, and once:
-- sent again (a commit whose acknowledgement was lost), it changes nothing. `unknown` may still become what it really is.
WITH answer AS (
    SELECT * FROM unnest(
        cast(:ids AS bigint[]), cast(:claims AS uuid[]), cast(:states AS text[]), cast(:outcomes AS text[]),
        cast(:codes AS text[]), cast(:messages AS text[]), cast(:statuses AS smallint[]), cast(:sents AS timestamptz[]),
        cast(:answereds AS timestamptz[]), cast(:not_befores AS timestamptz[]), cast(:abouts AS text[])
    ) AS answer (id, claim, state, outcome, code, message, status, sent, answered, not_before, about)
),

settled AS (
    UPDATE call_tasks AS task
    SET
        state = CASE WHEN answer.state = 'pending' AND batch.state = 'cancelled' THEN 'skipped' ELSE answer.state END,
        reason = CASE
            WHEN answer.state = 'pending' AND batch.state = 'cancelled' THEN 'cancelled'
            WHEN answer.state IN ('failed', 'refused') THEN answer.message
        END,
        resp_code = nullif(answer.code, ''), not_before = answer.not_before
    FROM answer, call_batches AS batch
    WHERE
        task.id = answer.id AND task.claim = answer.claim AND batch.id = task.batch_id
        AND (task.state = 'pushing' OR task.state = 'unknown' AND answer.state <> 'unknown')
    RETURNING
        task.id, task.batch_id, task.phone, task.distinct_id, task.attempts, task.claimed_at, task.staff_name,
        task.sys_name, task.order_type, task.order_nums, answer.outcome, answer.code, answer.message, answer.status,
        answer.sent, answer.answered, answer.about
),

logged AS (
    INSERT INTO call_log (
        call_task_id, batch_id, phone, distinct_id, attempt, outcome, resp_code, message, http_status, sent_at, answered_at,
        recorded_at, recorded_by
    )
    SELECT id, batch_id, phone, distinct_id, attempts, outcome, code, message, status, sent, answered, :now, :by
    FROM settled
),

remembered AS (
    INSERT INTO call_history AS known (
        phone, first_called_at, last_called_at, calls, last_batch_id, last_call_task_id, staff_name, sys_name, order_type,
        order_nums, updated_time
    )
    SELECT DISTINCT ON (phone)
        phone, coalesce(sent, claimed_at), coalesce(sent, claimed_at), 1, batch_id, id, staff_name, sys_name, order_type,
        order_nums, cast(:now AS timestamptz)
    FROM settled
    WHERE outcome = 'pushed'
    ORDER BY phone, id DESC
    ON CONFLICT (phone) DO UPDATE SET
        last_called_at = greatest(known.last_called_at, excluded.last_called_at),
        calls = known.calls + 1, last_batch_id = excluded.last_batch_id, last_call_task_id = excluded.last_call_task_id,
        staff_name = excluded.staff_name, sys_name = excluded.sys_name, order_type = excluded.order_type,
        order_nums = excluded.order_nums, updated_time = excluded.updated_time
),

refused AS (
    INSERT INTO gateway_refusals (phone, refused_at, about, code, batch_id, call_task_id)
    SELECT DISTINCT ON (phone) phone, coalesce(answered, :now), about, code, batch_id, id
    FROM settled
    WHERE about IS NOT NULL
    ORDER BY phone ASC, id DESC
    ON CONFLICT (phone) DO UPDATE SET
        refused_at = excluded.refused_at, about = excluded.about, code = excluded.code, batch_id = excluded.batch_id,
        call_task_id = excluded.call_task_id
)

SELECT id, outcome, distinct_id FROM settled;
