-- Alerts that wait to be sent.
SELECT count(*) FROM alert_deliveries
WHERE state IN ('pending', 'sending');
