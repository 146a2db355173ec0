-- Rows by the reason against calling them (null: to call), with two samples each, of verdicts or of a batch's calls.
SELECT reason, count(*), min(coalesce(raw, phone)), max(coalesce(raw, phone))
FROM {rows}
GROUP BY reason;
