-- Columns of alerts and their conditions as version 0.2.0 had them. Frozen.

UPDATE alert_conditions
SET name = 'telephony ' || CASE kind
        WHEN 'telephony_utilisation' THEN 'utilisation'
        WHEN 'telephony_failures' THEN 'failures'
        ELSE 'callback delay'
    END || ' of configuration ' || split_part(name, ':', 2)
WHERE kind IN ('telephony_utilisation', 'telephony_failures', 'telephony_callbacks');

DROP INDEX ix_alert_conditions_opened_at;

ALTER TABLE alert_conditions
DROP COLUMN id,
DROP COLUMN kind,
DROP COLUMN subject,
DROP COLUMN day,
DROP COLUMN room,
DROP COLUMN title,
DROP COLUMN text,
DROP COLUMN link,
DROP COLUMN signature,
DROP COLUMN times_announced,
DROP COLUMN opened_at,
DROP COLUMN closed_at,
DROP COLUMN judged_at;

COMMENT ON COLUMN alert_conditions.name IS NULL;

ALTER TABLE alerts
DROP COLUMN kind,
DROP COLUMN link,
DROP COLUMN about;
