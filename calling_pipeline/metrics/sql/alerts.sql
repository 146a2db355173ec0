-- What is wrong now, by kind and severity.
SELECT kind, severity, count(*) AS number
FROM alert_conditions
WHERE failing
GROUP BY kind, severity;
