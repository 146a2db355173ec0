-- Claim the deliveries that are due, oldest alert first. A claim lasts until `claim_ends`: a delivery that is still
-- `sending` after that is an orphaned claim. It is claimed again and marked as a repeat, because it may have arrived.
WITH due AS (
    SELECT
        alert_id,
        channel,
        state
    FROM alert_deliveries
    WHERE state IN ('pending', 'sending') AND due_at <= :now AND channel = any(cast(:channels AS text[]))
    ORDER BY alert_id
    LIMIT :max_rows
    FOR UPDATE SKIP LOCKED
),

claimed AS (
    UPDATE alert_deliveries AS delivery
    SET state = 'sending', attempts = delivery.attempts + 1, due_at = :claim_ends
    FROM due
    WHERE delivery.alert_id = due.alert_id AND delivery.channel = due.channel
    RETURNING delivery.alert_id, delivery.channel, delivery.attempts, due.state = 'sending' AS repeat
)

SELECT
    claimed.alert_id,
    claimed.channel,
    alerts.severity,
    alerts.title,
    alerts.text,
    claimed.attempts,
    claimed.repeat,
    alerts.kind,
    alerts.link,
    alerts.about
FROM claimed
INNER JOIN alerts ON claimed.alert_id = alerts.id
ORDER BY claimed.alert_id, claimed.channel
