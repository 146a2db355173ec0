-- Add a planned batch; its card comes when its rows are counted.
INSERT INTO call_batches (
    key, calling_task_id, task_name, day, tick_at, state, source, recall_days, rate_per_s, policy, card, planned_at,
    expires_at, redial, shadow
)
VALUES (
    :key, :calling_task_id, :task_name, :day, :tick_at, 'planned', :source, :recall_days, :rate_per_s,
    cast(:policy AS jsonb), '{}', :now, :expires_at, cast(:redial AS jsonb), :shadow
)
RETURNING id;
