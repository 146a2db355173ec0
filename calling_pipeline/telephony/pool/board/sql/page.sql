-- One page of the extensions that `tiles.sql` ({tiles}) shows in the states `shown` (empty: every state), in the order
-- {order}, and with each row how many there are in all.
SELECT t.*, count(*) OVER () AS found
FROM ({tiles}) AS t
WHERE cardinality(cast(:shown AS text[])) = 0 OR t.shown = any(cast(:shown AS text[]))
ORDER BY {order}
LIMIT :limit OFFSET :offset
