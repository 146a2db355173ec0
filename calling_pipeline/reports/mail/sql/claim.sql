-- Claim up to :slots deliveries that are due, oldest first; no other process gets one of them. None while mails are held.
--
-- Without a mail server (`:by_mail` is false) only channels are served. What another process is claiming at this moment is
-- skipped. Only mails that are composed already are claimed: a claim is followed by its dialogue at once, so that a process
-- that ends while it composes leaves nothing unknown. The claim is committed before anything is sent. MATERIALIZED: a plan
-- that ran the inner part again for each row would skip what it has locked itself and claim more than :slots.
WITH chosen AS MATERIALIZED (
    SELECT due.id
    FROM report_deliveries AS due
    WHERE
        due.state = 'pending' AND due.due_at <= :now AND (:by_mail OR due.receiver LIKE 'channel:%')
        AND NOT EXISTS (
            SELECT FROM outgoing_holds AS held
            WHERE held.act = 'mails'
        )
        AND EXISTS (
            SELECT
            FROM
                unnest(:report_ids::bigint[], :languages::text[], :formats::text[], :corrections::boolean[])
                    AS composed (report_id, language, formats, correction)
            WHERE
                composed.report_id = due.report_id
                AND composed.language = due.language
                AND composed.formats = array_to_string(due.formats, ',')
                AND composed.correction = due.correction
        )
    ORDER BY due.due_at, due.id
    LIMIT :slots
    FOR UPDATE OF due SKIP LOCKED
)

UPDATE report_deliveries AS d
SET state = 'sending', mailer = :me, claimed_at = :now, attempts = d.attempts + 1
FROM chosen
WHERE d.id = chosen.id AND d.state = 'pending'
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
