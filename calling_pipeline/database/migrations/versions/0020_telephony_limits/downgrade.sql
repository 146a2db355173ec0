-- The way back of 0020: what the version before does not know goes. Frozen.

DROP TABLE call_refusals;
DROP TABLE line_questions;
DROP TABLE kept_callbacks;
UPDATE contact_attempts SET tenant = tenant_id
WHERE tenant IS NULL AND tenant_id BETWEEN 1 AND 2147483647;
ALTER TABLE contact_attempts DROP COLUMN tenant_id;
COMMENT ON COLUMN contact_attempts.tenant IS NULL;
ALTER TABLE communication_records DROP COLUMN asked_at;
ALTER TABLE infinity_configs
DROP CONSTRAINT ck_infinity_configs_call_limits,
DROP COLUMN calls_per_hour,
DROP COLUMN calls_per_day,
DROP COLUMN collector_calls_per_hour,
DROP COLUMN collector_calls_per_day,
DROP COLUMN callback_path_digest,
DROP COLUMN callback_addresses;
