-- Give every alert recorded since `since` a delivery to each channel; those that exist stay as they are.
INSERT INTO alert_deliveries (alert_id, channel, state, attempts, due_at)
SELECT
    alerts.id,
    wanted.channel,
    'pending',
    0,
    :now
FROM alerts
CROSS JOIN unnest(cast(:channels AS text[])) AS wanted (channel)
WHERE alerts.created_at > :since
ON CONFLICT DO NOTHING
