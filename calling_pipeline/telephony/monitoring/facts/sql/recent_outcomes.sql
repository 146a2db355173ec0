-- Per configuration: calls settled since `since`, how many of them failed, and the longest delay of a callback (s).
-- A call is settled within a day of its start, which bounds the part of the index that is read.
SELECT
    config_id,
    tenant_id,
    count(*) AS settled,
    count(*) FILTER (WHERE state = 'failed') AS failed,
    max(callback_delay_s) AS longest_delay_s
FROM communication_records
WHERE started_at >= :since - interval '1 day' AND settled_at >= :since
GROUP BY config_id, tenant_id;
