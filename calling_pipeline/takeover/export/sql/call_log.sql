-- Pushes since then, as the old call log has them. What is unknown may have been called: its status says so.
SELECT phone AS mobile_phone, outcome AS status, coalesce(sent_at, recorded_at) AS call_time, distinct_id, resp_code
FROM call_log
WHERE recorded_at >= :since
ORDER BY id
