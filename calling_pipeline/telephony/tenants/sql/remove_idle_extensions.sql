-- Delete a configuration's extensions that are not in use.
DELETE FROM extension_pool
WHERE config_id = :config_id AND state <> 'in_use'
