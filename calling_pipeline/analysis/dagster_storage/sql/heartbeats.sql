-- Each daemon that schedules, senses and starts runs, with the age of its newest heartbeat in seconds by the server's clock.
-- Dagster writes the time in UTC into a column without a zone.
SELECT
    daemon_type AS daemon,
    extract(EPOCH FROM now() - timestamp AT TIME ZONE 'UTC')::float AS age_s
FROM daemon_heartbeats
WHERE daemon_type = any(:daemons)
ORDER BY daemon_type;
