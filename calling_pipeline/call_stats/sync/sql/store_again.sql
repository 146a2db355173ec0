-- Store the staged call records of a day that has some: new ids are added, changed rows replaced, equal rows not written.
-- It goes directly into the day's partition. Counts what was added, what was changed, and as `late` those called before
-- `settled`.
WITH stored AS (
    INSERT INTO {partition} AS stored (
        id, date, called_at, call_state, duration_s, grade, order_yuan, agent_id, task_id, task_name, line_name,
        phone_masked, phone_hash, hangup_reason, province, city
    )
    SELECT
        id, :day, to_timestamp(called_at_s), call_state, duration_s, grade, order_yuan, agent_id, task_id, task_name,
        line_name, phone_masked, phone_hash, hangup_reason, province, city
    FROM incoming_calls
    ORDER BY id
    ON CONFLICT (id, date) DO UPDATE
        SET
            called_at = excluded.called_at,
            call_state = excluded.call_state,
            duration_s = excluded.duration_s,
            grade = excluded.grade,
            order_yuan = excluded.order_yuan,
            agent_id = excluded.agent_id,
            task_id = excluded.task_id,
            task_name = excluded.task_name,
            line_name = excluded.line_name,
            phone_masked = excluded.phone_masked,
            phone_hash = excluded.phone_hash,
            hangup_reason = excluded.hangup_reason,
            province = excluded.province,
            city = excluded.city
        WHERE stored IS DISTINCT FROM excluded
    RETURNING (xmax = 0) AS added, called_at
)

SELECT
    count(*) FILTER (WHERE added) AS added,
    count(*) FILTER (WHERE NOT added) AS changed,
    count(*) FILTER (WHERE called_at < :settled) AS late
FROM stored;
