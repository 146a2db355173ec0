-- The way back keeps every number, so that nobody is called again: one that was only called elsewhere names batch and call 0,
-- which there never are. Of one called here too, only the calls here are counted, as the version before compares them with the log.
UPDATE call_history
SET
    last_batch_id = coalesce(last_batch_id, 0), last_call_task_id = coalesce(last_call_task_id, 0),
    calls = CASE WHEN last_call_task_id IS NULL THEN calls ELSE calls - imported_calls END, imported_calls = 0
WHERE imported_calls > 0;

COMMENT ON COLUMN call_history.calls IS NULL;
COMMENT ON COLUMN call_history.last_batch_id IS NULL;
COMMENT ON COLUMN call_history.last_call_task_id IS NULL;

ALTER TABLE call_history
ALTER COLUMN last_batch_id SET NOT NULL,
ALTER COLUMN last_call_task_id SET NOT NULL,
DROP COLUMN origin,
DROP COLUMN imported_calls,
DROP COLUMN imported_called_at,
DROP COLUMN imported_from,
DROP COLUMN staff_name,
DROP COLUMN sys_name,
DROP COLUMN order_type,
DROP COLUMN order_nums,
DROP COLUMN updated_time;
