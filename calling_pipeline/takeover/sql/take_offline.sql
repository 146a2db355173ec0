-- An extension that was out of use in the old system begins out of use; one that is in a call here is left as it is.
UPDATE extension_pool
SET state = 'offline', offline_reason = 'offline in the old system'
WHERE config_id = :config_id AND number = :number AND state = 'available'
