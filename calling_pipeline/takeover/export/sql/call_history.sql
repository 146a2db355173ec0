-- Numbers that this system called since then, as the old call history has them. Those that a person named after a restore,
-- because the backup did not know that they were called, are among them: their calls are contact attempts of `restored`.
SELECT
    history.phone AS mobile_phone,
    history.staff_name,
    history.sys_name,
    history.order_type,
    history.order_nums,
    history.last_called_at AS updated_time,
    history.calls - history.imported_calls + named.calls AS calls
FROM call_history AS history
CROSS JOIN
    LATERAL (
        SELECT count(*) AS calls
        FROM contact_attempts AS attempt
        WHERE attempt.phone = history.phone AND attempt.room = 'restored' AND attempt.at >= :since
    ) AS named
WHERE history.last_called_at >= :since AND (history.calls > history.imported_calls OR named.calls > 0)
ORDER BY history.phone
