-- Replace a calling task's values. A new cron, or a task enabled again, counts from now: an edit never fires a tick that
-- is already past.
UPDATE calling_tasks
SET
    name = :name, source_schema = :source_schema, source_table = :source_table, mobile_phone = :mobile_phone,
    staff_name = :staff_name, sys_name = :sys_name, order_type = :order_type, order_nums = :order_nums, remark = :remark,
    recall_days = :recall_days, refused_days = :refused_days,
    expires_after_s = :expires_after_s, rate_per_s = :rate_per_s, policy = cast(:policy AS jsonb),
    redial = cast(:redial AS jsonb), land_lines = :land_lines, row_key = :row_key,
    best_time = cast(:best_time AS jsonb), updated_at = :now,
    ticks_from = CASE WHEN cron <> :cron OR (:enabled AND NOT enabled) THEN :now ELSE ticks_from END,
    cron = :cron, enabled = :enabled
WHERE id = :id;
