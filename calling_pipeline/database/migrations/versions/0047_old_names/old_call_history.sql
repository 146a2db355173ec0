-- Who was called, as the table `call_history` had it: the business columns of the newest call.
CREATE VIEW old_names.call_history AS
SELECT phone AS mobile_phone, staff_name, sys_name, order_type, order_nums, coalesce(updated_time, last_called_at) AS updated_time
FROM call_history;
