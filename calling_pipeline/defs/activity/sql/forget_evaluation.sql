-- Remove the evaluation outside a run that a check has for a partition: Dagster's index allows one of them, and the next one
-- takes its place. The event log keeps both.
DELETE FROM asset_check_executions
WHERE run_id = '' AND asset_key = :asset_key AND check_name = :check_name AND partition = :partition
