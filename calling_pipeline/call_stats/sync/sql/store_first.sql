-- Store the staged call records of a day that has none: a plain insert, because expecting conflicts and returning every
-- row to count it would take twice as long. It goes directly into the day's partition.
INSERT INTO {partition} AS stored (
    id, date, called_at, call_state, duration_s, grade, order_yuan, agent_id, task_id, task_name, line_name,
    phone_masked, phone_hash, hangup_reason, province, city
)
SELECT
    id, :day, to_timestamp(called_at_s), call_state, duration_s, grade, order_yuan, agent_id, task_id, task_name, line_name,
    phone_masked, phone_hash, hangup_reason, province, city
FROM incoming_calls
ORDER BY id;
