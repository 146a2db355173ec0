-- How many extensions are in use and how many calls have no end under a configuration, added up.
SELECT
    (
        SELECT count(*) FROM extension_pool
        WHERE config_id = :config_id AND state = 'in_use'
    ) + (
        SELECT count(*) FROM communication_records
        WHERE config_id = :config_id AND closed_at IS NULL
    ) AS number
