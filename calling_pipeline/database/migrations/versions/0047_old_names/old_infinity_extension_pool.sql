-- Extensions as the table `infinity_extension_pool` had them. One that is draining or cooling down is no state of its own there.
CREATE VIEW old_names.infinity_extension_pool AS
SELECT
    extension.id,
    config.tenant_id,
    extension.config_id,
    extension.number AS infinity_extension_number,
    extension.state AS extension_status,
    extension.holder AS current_collector_id,
    extension.allocated_at AS assigned_at,
    extension.last_used_at,
    extension.created_at
FROM extension_pool AS extension
INNER JOIN infinity_configs AS config ON config.id = extension.config_id;
