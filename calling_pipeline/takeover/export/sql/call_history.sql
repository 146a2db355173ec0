-- Numbers that this system called since then, as the old call history has them.
SELECT
    phone AS mobile_phone, staff_name, sys_name, order_type, order_nums, last_called_at AS updated_time, calls - imported_calls AS calls
FROM call_history
WHERE calls > imported_calls AND last_called_at >= :since
ORDER BY phone
