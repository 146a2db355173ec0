-- Store the staged call records of a day that has some: new ids are added, changed rows replaced, equal rows not written.
-- It goes directly into the day's partition. Counts what was added, what was changed, and as `late` those called before
-- `settled`.
--
-- The join leaves equal rows out before the upsert, which would lock each of them: a page written and logged for nothing.
-- The upsert compares again, with what the row is when it is written.
WITH stored AS (
    INSERT INTO {partition} AS stored (
        id, date, called_at, call_state, duration_s, grade, order_yuan, agent_id, task_id, task_name, line_name,
        phone_masked, phone_hash, hangup_reason, province, city
    )
    SELECT
        incoming.id, :day, to_timestamp(incoming.called_at_s), incoming.call_state, incoming.duration_s, incoming.grade,
        incoming.order_yuan, incoming.agent_id, incoming.task_id, incoming.task_name, incoming.line_name,
        incoming.phone_masked, incoming.phone_hash, incoming.hangup_reason, incoming.province, incoming.city
    FROM incoming_calls AS incoming
    LEFT JOIN {partition} AS known ON known.id = incoming.id AND known.date = :day
    WHERE
        known.id IS NULL
        OR (
            known.called_at, known.call_state, known.duration_s, known.grade, known.order_yuan, known.agent_id,
            known.task_id, known.task_name, known.line_name, known.phone_masked, known.phone_hash, known.hangup_reason,
            known.province, known.city
        ) IS DISTINCT FROM (
            to_timestamp(incoming.called_at_s), incoming.call_state, incoming.duration_s, incoming.grade,
            incoming.order_yuan, incoming.agent_id, incoming.task_id, incoming.task_name, incoming.line_name,
            incoming.phone_masked, incoming.phone_hash, incoming.hangup_reason, incoming.province, incoming.city
        )
    ORDER BY incoming.id
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
