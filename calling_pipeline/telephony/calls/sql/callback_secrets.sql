-- The sealed secrets that may have signed a callback about the call `call_uuid`. A call we know is believed only if its own
-- tenant's secret signed it; for an unknown one every configuration is a candidate.
WITH known AS (
    SELECT config_id FROM communication_records
    WHERE call_uuid = :call_uuid
    UNION
    SELECT config_id FROM communication_records
    WHERE reference = :call_uuid
)

SELECT
    id, tenant_id, callback_secret_sealed,
    CASE WHEN previous_secret_until > :now THEN previous_secret_sealed END AS previous_secret_sealed
FROM infinity_configs
WHERE
    callback_secret_sealed IS NOT NULL
    AND (id IN (SELECT config_id FROM known) OR NOT EXISTS (SELECT FROM known));
