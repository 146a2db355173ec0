-- Keep every source row in the batch, to be called or skipped with its reason.
INSERT INTO call_tasks (
    batch_id, source_row, phone, raw, staff_name, sys_name, order_type, order_nums, row_key, redial, redial_of, state, reason
)
SELECT
    {batch_id}, verdict.source_row, verdict.phone, verdict.raw, verdict.staff_name, verdict.sys_name, verdict.order_type,
    verdict.order_nums, verdict.row_key, verdict.redial, CASE WHEN verdict.reason IS NULL THEN verdict.redial_of END,
    CASE WHEN verdict.reason IS NULL THEN 'pending' ELSE 'skipped' END, verdict.reason
FROM ({verdicts}) AS verdict;
