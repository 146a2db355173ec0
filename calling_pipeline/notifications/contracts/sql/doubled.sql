-- Contracts and kinds with more than one message that was sent or may still be sent, resends by order left aside.
SELECT
    contract_id,
    kind,
    count(*) AS messages
FROM contract_messages
WHERE state <> 'abandoned'
GROUP BY contract_id, kind, edition
HAVING count(*) > 1
ORDER BY contract_id, kind
