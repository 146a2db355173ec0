-- Take an extension offline: now, or (draining) as soon as its call has ended.
UPDATE extension_pool
SET
    state = CASE state WHEN 'in_use' THEN state ELSE 'offline' END,
    draining = state = 'in_use',
    offline_reason = :reason,
    quarantined_until = NULL
WHERE id = :extension_id
