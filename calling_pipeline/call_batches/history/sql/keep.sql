-- Take what was decided into the call history, in one statement. A number that was called here too keeps what is known of that:
-- its calls are those made here and those made elsewhere, of which the greatest number that an import named counts. The
-- business columns are those of the newest call. Numbers called while this runs are added to, not replaced.
INSERT INTO call_history AS known (
    phone, first_called_at, last_called_at, calls, origin, imported_calls, imported_called_at, imported_from, staff_name,
    sys_name, order_type, order_nums, updated_time
)
SELECT
    phone, first_at, called_at, calls, 'imported', calls, called_at, :source, staff_name, sys_name, order_type, order_nums,
    updated_time
FROM history_decided
WHERE verdict <> 'unchanged'
ORDER BY phone
ON CONFLICT (phone) DO UPDATE SET
    first_called_at = least(known.first_called_at, excluded.first_called_at),
    last_called_at = greatest(known.last_called_at, excluded.last_called_at),
    calls = known.calls - known.imported_calls + greatest(known.imported_calls, excluded.imported_calls),
    imported_calls = greatest(known.imported_calls, excluded.imported_calls),
    imported_called_at = greatest(known.imported_called_at, excluded.imported_called_at),
    imported_from = excluded.imported_from,
    staff_name = CASE
        WHEN excluded.last_called_at >= known.last_called_at THEN coalesce(excluded.staff_name, known.staff_name)
        ELSE coalesce(known.staff_name, excluded.staff_name)
    END,
    sys_name = CASE
        WHEN excluded.last_called_at >= known.last_called_at THEN coalesce(excluded.sys_name, known.sys_name)
        ELSE coalesce(known.sys_name, excluded.sys_name)
    END,
    order_type = CASE
        WHEN excluded.last_called_at >= known.last_called_at THEN coalesce(excluded.order_type, known.order_type)
        ELSE coalesce(known.order_type, excluded.order_type)
    END,
    order_nums = CASE
        WHEN excluded.last_called_at >= known.last_called_at THEN coalesce(excluded.order_nums, known.order_nums)
        ELSE coalesce(known.order_nums, excluded.order_nums)
    END,
    updated_time = greatest(known.updated_time, excluded.updated_time)
