-- Callbacks received before `received_before` whose call is still not known; the oldest hundred.
SELECT
    id AS callback,
    config_id AS configuration
FROM call_callbacks
WHERE record_id IS NULL AND received_at < :received_before
ORDER BY id
LIMIT 100;
