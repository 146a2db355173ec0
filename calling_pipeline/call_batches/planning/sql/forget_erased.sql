-- Rows of a batch about people who had their data erased: their numbers and spellings are not stored again.
UPDATE call_tasks
SET phone = {token}, raw = NULL, row_key = NULL
WHERE batch_id = {batch_id} AND state = 'skipped' AND {erased};
