-- Add a calling task; its ticks count from now.
INSERT INTO calling_tasks (
    name, cron, source_schema, source_table, mobile_phone, staff_name, sys_name, order_type, order_nums, enabled, remark,
    recall_days, refused_days, expires_after_s, rate_per_s, policy, redial, land_lines, row_key, best_time, ticks_from,
    created_at, updated_at
)
VALUES (
    :name, :cron, :source_schema, :source_table, :mobile_phone, :staff_name, :sys_name, :order_type, :order_nums, :enabled,
    :remark, :recall_days, :refused_days, :expires_after_s, :rate_per_s, cast(:policy AS jsonb),
    cast(:redial AS jsonb), :land_lines, :row_key, cast(:best_time AS jsonb), :now, :now, :now
);
