-- The alerts that announced a condition, oldest first, each with the number of its deliveries by state.
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
WHERE cast(:condition_id AS bigint) = any(alerts.about)
GROUP BY alerts.id
ORDER BY alerts.id
