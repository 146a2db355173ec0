-- Stage the call records of a held day, as if they had just been read.
INSERT INTO incoming_calls (
    id, called_at_s, call_state, duration_s, grade, order_yuan, agent_id, task_id, task_name, line_name, phone_masked,
    phone_hash, hangup_reason, province, city
)
SELECT
    id,
    extract(EPOCH FROM called_at),
    call_state,
    duration_s,
    grade,
    order_yuan,
    agent_id,
    task_id,
    task_name,
    line_name,
    phone_masked,
    phone_hash,
    hangup_reason,
    province,
    city
FROM held_call_records
WHERE held_id = :held_id;
