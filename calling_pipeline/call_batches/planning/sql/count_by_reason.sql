-- Rows by the reason against calling them (null: to call) and, of those to call, by the rule of which they are a redial (null:
-- of none), with two samples each, of verdicts or of a batch's calls.
SELECT reason, redial_rule, count(*), min(coalesce(raw, phone)), max(coalesce(raw, phone))
FROM (
    SELECT reason, CASE WHEN reason IS NULL AND redial_of IS NOT NULL THEN redial END AS redial_rule, raw, phone
    FROM {rows}
) AS row
GROUP BY reason, redial_rule;
