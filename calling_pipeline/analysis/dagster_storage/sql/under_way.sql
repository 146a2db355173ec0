-- Runs that have begun and not ended, oldest first: which process of which host executes each, and whether it may last for
-- hours. Dagster keeps times in UTC without saying so.
SELECT
    runs.run_id,
    runs.pipeline_name AS job,
    coalesce(to_timestamp(runs.start_time), runs.create_timestamp AT TIME ZONE 'UTC') AS since,
    max(run_tags.value) FILTER (WHERE run_tags.key = 'calling/worker') AS worker,
    coalesce(bool_or(run_tags.key = 'calling/class' AND run_tags.value ~ '(^|/)batch$'), FALSE) AS may_last
FROM runs
LEFT JOIN run_tags ON run_tags.run_id = runs.run_id AND run_tags.key IN ('calling/worker', 'calling/class')
WHERE runs.status IN ('STARTING', 'STARTED', 'CANCELING')
GROUP BY runs.id, runs.run_id, runs.pipeline_name, runs.start_time, runs.create_timestamp
ORDER BY runs.id;
