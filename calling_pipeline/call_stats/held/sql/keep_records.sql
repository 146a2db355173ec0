-- Keep the staged call records of a grade day that is held.
INSERT INTO held_call_records (
    held_id, id, called_at, call_state, duration_s, grade, order_yuan, agent_id, task_id, task_name, line_name,
    phone_masked, phone_hash, hangup_reason, province, city
)
SELECT
    :held_id, id, to_timestamp(called_at_s), call_state, duration_s, grade, order_yuan, agent_id, task_id, task_name,
    line_name, phone_masked, phone_hash, hangup_reason, province, city
FROM incoming_calls;
