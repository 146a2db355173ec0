-- Calls of a batch beyond one rolling cap.
SELECT call_task_id AS call, batch_id AS batch
FROM call_log AS log
WHERE
    batch_id = :batch_id AND outcome = 'pushed'
    AND (
        SELECT count(*) FROM call_log AS earlier
        WHERE
            earlier.phone = log.phone AND earlier.outcome = 'pushed' AND earlier.sent_at <= log.sent_at
            AND earlier.sent_at > log.sent_at - make_interval(secs => :within_s)
    ) > :most
LIMIT :limit;
