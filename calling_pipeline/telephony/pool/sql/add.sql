-- Add extensions to a configuration's pool, in the order given. Returns number and id of those that were not there yet.
INSERT INTO extension_pool (config_id, number, label, created_at)
SELECT :config_id, given.number, given.label, :now
FROM unnest(cast(:numbers AS text[]), cast(:labels AS text[])) WITH ORDINALITY AS given (number, label, place)
ORDER BY given.place
ON CONFLICT ON CONSTRAINT uq_extension_pool_number DO NOTHING
RETURNING number, id
