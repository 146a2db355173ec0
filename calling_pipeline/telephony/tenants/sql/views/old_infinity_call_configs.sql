-- Configurations as the table `infinity_call_configs` had them, without the keys: those are kept encrypted and are shown nowhere.
CREATE VIEW old_names.infinity_call_configs AS
SELECT
    id,
    tenant_id,
    name AS config_name,
    'infinity' AS supplier,
    api_url,
    app_id,
    caller_range_start AS caller_number_range_start,
    caller_range_end AS caller_number_range_end,
    max_concurrent_calls,
    ring_timeout_s AS call_timeout_seconds,
    enabled AS is_active,
    created_at,
    updated_at
FROM infinity_configs
WHERE deleted_at IS NULL;
