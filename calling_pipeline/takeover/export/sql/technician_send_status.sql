-- Technicians' changes with messages since then, as `send_status.sql` says it of contracts.
SELECT
    change_id AS id,
    CASE WHEN bool_and(state IN ('delivered', 'unknown', 'sending')) THEN '发送成功' ELSE '未发送' END AS status
FROM technician_messages
WHERE coalesce(settled_at, created_at) >= :since
GROUP BY change_id
ORDER BY change_id
