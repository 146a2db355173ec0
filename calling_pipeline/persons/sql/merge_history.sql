-- The history of a number whose token has a history already (it came again after an erasure) is added to that one.
WITH again AS (
    DELETE FROM call_history
    WHERE phone = :phone
    RETURNING *
)

UPDATE call_history AS kept
SET
    calls = kept.calls + again.calls,
    imported_calls = kept.imported_calls + again.imported_calls,
    first_called_at = least(kept.first_called_at, again.first_called_at),
    last_called_at = greatest(kept.last_called_at, again.last_called_at),
    last_batch_id = coalesce(again.last_batch_id, kept.last_batch_id),
    last_call_task_id = coalesce(again.last_call_task_id, kept.last_call_task_id)
FROM again
WHERE kept.phone = :token;
