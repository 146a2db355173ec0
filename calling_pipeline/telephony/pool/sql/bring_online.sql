-- Make an extension available again and forget its failures; one in use only stops draining.
UPDATE extension_pool
SET
    state = CASE state WHEN 'in_use' THEN state ELSE 'available' END,
    draining = FALSE,
    offline_reason = '',
    quarantined_until = NULL,
    failures = 0
WHERE id = :extension_id
