-- Write the verdicts on calls that `due` locked: claimed (`pushing`), skipped, or pending until later.
-- `state = 'pending'` repeats what the row lock of `due`, in the same transaction, already guarantees.
UPDATE call_tasks AS task
SET
    state = claim.state, reason = claim.reason, distinct_id = claim.distinct_id, not_before = claim.not_before,
    attempts = task.attempts + (claim.state = 'pushing')::int, claim = cast(:claim AS uuid), claimed_at = :now
FROM
    unnest(
        cast(:ids AS bigint[]), cast(:states AS text[]), cast(:reasons AS text[]), cast(:distinct_ids AS text[]),
        cast(:not_befores AS timestamptz[])
    ) AS claim (id, state, reason, distinct_id, not_before)
WHERE task.id = claim.id AND task.state = 'pending';
