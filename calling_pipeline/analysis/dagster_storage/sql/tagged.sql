-- The status of every run that carries a tag and was created since an instant (seconds of the epoch).
SELECT
    runs.run_id,
    runs.status
FROM runs
INNER JOIN run_tags ON run_tags.run_id = runs.run_id
WHERE run_tags.key = :tag AND run_tags.value = :value AND runs.create_timestamp >= to_timestamp(:since) AT TIME ZONE 'UTC';
