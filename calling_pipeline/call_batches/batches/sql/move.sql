-- Change a batch's state, when it is in one of the states `come_from` and, where a runner is given, still that runner's.
UPDATE call_batches
SET
    state = :state, note = :note, resume_at = :resume_at,
    finished_at = CASE WHEN :state IN ('completed', 'cancelled') THEN cast(:now AS timestamptz) END
WHERE id = :id AND state = any(cast(:come_from AS text[])) AND (cast(:runner AS uuid) IS NULL OR runner = :runner);
