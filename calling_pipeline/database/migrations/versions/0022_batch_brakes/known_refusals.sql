-- What the gateway refused of the last 90 days for a phone that was not called since. Refusals of our account or our
-- requests (401, 1003) are not among them: those numbers were never judged. Frozen.
INSERT INTO gateway_refusals (phone, refused_at, about, code, batch_id, call_task_id)
SELECT DISTINCT ON (log.phone) log.phone, log.recorded_at, 'person', log.resp_code, log.batch_id, log.call_task_id
FROM call_log AS log
LEFT JOIN call_history AS history ON log.phone = history.phone AND history.last_called_at >= log.recorded_at
WHERE
    log.outcome = 'refused' AND log.resp_code NOT IN ('401', '1003') AND history.phone IS NULL
    AND log.recorded_at > now() - INTERVAL '90 days'
ORDER BY log.phone ASC, log.id DESC;
