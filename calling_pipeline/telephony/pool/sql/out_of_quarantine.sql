-- Make every extension available whose quarantine is over.
UPDATE extension_pool
SET state = 'available', offline_reason = '', quarantined_until = NULL, failures = 0
WHERE state = 'offline' AND quarantined_until <= :now
