-- Alerts (`chosen` says which), the newest first, each with the number of its deliveries by state.
SELECT
    alerts.id,
    alerts.key,
    alerts.severity,
    alerts.room,
    alerts.title,
    alerts.text,
    alerts.created_at,
    count(*) FILTER (WHERE delivery.state = 'delivered') AS delivered,
    count(*) FILTER (WHERE delivery.state IN ('pending', 'sending')) AS waiting,
    count(*) FILTER (WHERE delivery.state = 'failed') AS failed
FROM alerts
LEFT JOIN alert_deliveries AS delivery ON alerts.id = delivery.alert_id
WHERE {chosen}
GROUP BY alerts.id
ORDER BY alerts.id DESC
LIMIT :max_rows
