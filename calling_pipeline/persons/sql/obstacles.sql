-- Calls to the number that are being made or of which nobody knows whether they were: no person is erased meanwhile.
SELECT 'batch' AS kind, batch_id AS place, id, state
FROM call_tasks
WHERE phone = :phone AND state IN ('pushing', 'unknown')
UNION ALL
SELECT 'telephony', tenant_id, id, state
FROM communication_records
WHERE destination_hash = any(:digests) AND (closed_at IS NULL OR settled_at IS NULL);
