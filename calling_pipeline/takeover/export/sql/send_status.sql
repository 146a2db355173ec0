-- Contracts with messages since then: sent where every one was delivered or may have been, so that none is sent again.
SELECT
    contract_id AS id,
    CASE WHEN bool_and(state IN ('delivered', 'unknown', 'sending')) THEN '发送成功' ELSE '未发送' END AS status
FROM contract_messages
WHERE coalesce(settled_at, created_at) >= :since
GROUP BY contract_id
ORDER BY contract_id
