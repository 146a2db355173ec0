-- Delete from a partition of other days the ids that the read of `day` brought; only those between the partition's own `first`
-- and `last` id are looked up.
DELETE FROM {partition} AS stored
USING incoming_calls AS incoming
WHERE
    stored.id = incoming.id
    AND incoming.id BETWEEN :first AND :last
    AND stored.date <> :day
