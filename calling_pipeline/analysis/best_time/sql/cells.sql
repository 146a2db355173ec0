-- Calls and successes of a calling task by weekday, hour and province, as its call records say, of batches since `first`.
SELECT
    extract(ISODOW FROM called_at AT TIME ZONE 'Asia/Shanghai')::integer AS weekday,
    extract(HOUR FROM called_at AT TIME ZONE 'Asia/Shanghai')::integer AS hour,
    coalesce(province, '') AS province,
    count(*) AS calls,
    count(*) FILTER (WHERE CASE WHEN :ordered THEN order_yuan > 0 ELSE result = 'connected' END) AS successes
FROM call_results
WHERE calling_task_id = :calling_task_id AND day >= :first AND result <> 'waiting'
GROUP BY 1, 2, 3;
