-- Give calls that are to be made their arm and hour. One whose hour has begun waits for nothing.
UPDATE call_tasks AS task
SET arm = place.arm, slot = place.slot, not_before = CASE WHEN place.slot > :now THEN place.slot END
FROM unnest(cast(:ids AS bigint[]), cast(:arms AS text[]), cast(:slots AS timestamptz[])) AS place (id, arm, slot)
WHERE task.id = place.id AND task.state = 'pending';
