-- Claim up to :slots deliveries that are due, oldest first; no other process gets one of them.
--
-- What another process is claiming at this moment is skipped. The claim is committed before anything is sent.
UPDATE report_deliveries AS d
SET state = 'sending', mailer = :me, claimed_at = :now, attempts = d.attempts + 1
WHERE
    d.state = 'pending'
    AND d.id IN (
        SELECT due.id
        FROM report_deliveries AS due
        WHERE due.state = 'pending' AND due.due_at <= :now
        ORDER BY due.due_at, due.id
        LIMIT :slots
        FOR UPDATE SKIP LOCKED
    )
RETURNING
    d.id,
    d.report_id,
    d.receiver,
    d.language,
    d.formats,
    d.correction,
    d.message_id,
    d.created_at,
    d.attempts,
    d.failures
