-- Where each number of the call history is known from. Rows that name no call of ours come from an import, or from the way
-- back of this migration: `without_origin.sql` writes 0 for a call that there is not.
ALTER TABLE call_history
ALTER COLUMN last_batch_id DROP NOT NULL,
ALTER COLUMN last_call_task_id DROP NOT NULL,
ADD COLUMN origin text DEFAULT 'own' NOT NULL,
ADD COLUMN imported_calls integer DEFAULT 0 NOT NULL,
ADD COLUMN imported_called_at timestamptz,
ADD COLUMN imported_from text,
ADD COLUMN staff_name text,
ADD COLUMN sys_name text,
ADD COLUMN order_type text,
ADD COLUMN order_nums integer,
ADD COLUMN updated_time timestamptz;

UPDATE call_history
SET
    origin = 'imported', imported_calls = calls, imported_called_at = last_called_at, last_batch_id = NULL,
    last_call_task_id = NULL
WHERE last_batch_id = 0 AND last_call_task_id = 0;

ALTER TABLE call_history
ADD CONSTRAINT ck_call_history_origin CHECK (origin IN ('own', 'imported')),
ADD CONSTRAINT ck_call_history_imported_calls CHECK (imported_calls BETWEEN 0 AND calls),
ADD CONSTRAINT ck_call_history_somebody_called CHECK (last_call_task_id IS NOT NULL OR imported_calls > 0);

COMMENT ON COLUMN call_history.calls IS 'made here and elsewhere';
COMMENT ON COLUMN call_history.last_batch_id IS 'of the newest call made here; null: none was';
COMMENT ON COLUMN call_history.last_call_task_id IS 'the newest call made here; null: none was';
COMMENT ON COLUMN call_history.origin IS 'imported: first known by an import';
COMMENT ON COLUMN call_history.imported_calls IS 'those of `calls` made elsewhere';
COMMENT ON COLUMN call_history.imported_called_at IS 'the newest call made elsewhere; null: none is known';
COMMENT ON COLUMN call_history.imported_from IS 'the source that was named at the newest import';
COMMENT ON COLUMN call_history.staff_name IS 'of the newest call, as are the next three';
COMMENT ON COLUMN call_history.updated_time IS 'when a call, or an import, last wrote them';
