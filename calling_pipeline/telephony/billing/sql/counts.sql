-- One configuration's day: billed, recorded, and what one side has without the other. A call Infinity refused, or of which
-- it never gave an id, need not be on its bill; nor need a call begun after `settled_before`.
SELECT
    (
        SELECT count(*) FROM infinity_bills
        WHERE config_id = :config_id AND day = :day
    ) AS billed,
    (
        SELECT count(*) FROM infinity_bills
        WHERE config_id = :config_id AND day = :day AND record_id IS NULL
    ) AS billed_unknown_to_us,
    count(*) AS recorded,
    count(*) FILTER (WHERE billed_at IS NOT NULL) AS matched,
    count(*) FILTER (
        WHERE
        billed_at IS NULL AND started_at < :settled_before
        AND state IN ('connected', 'not_connected', 'busy', 'cancelled', 'unknown')
        AND (call_uuid IS NOT NULL OR settled_at IS NOT NULL)
    ) AS recorded_not_billed
FROM communication_records
WHERE config_id = :config_id AND started_at >= :first AND started_at < :until;
