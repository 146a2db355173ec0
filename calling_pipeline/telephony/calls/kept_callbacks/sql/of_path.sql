-- The configuration whose secret path for callbacks without a signature has this digest, and the networks that may use it.
SELECT id, tenant_id, callback_addresses
FROM infinity_configs
WHERE callback_path_digest = :digest AND deleted_at IS NULL;
