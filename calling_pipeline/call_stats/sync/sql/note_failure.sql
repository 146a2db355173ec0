-- Keep the newest failed read of a day; `failures` counts those since the day was last read.
INSERT INTO failed_reads AS known (track, date, failed_at, failures, sync_type, run_id, error_kind, error)
VALUES (:track, :day, :now, 1, :sync_type, :run_id, :error_kind, :error)
ON CONFLICT (track, date) DO UPDATE SET
    failed_at = excluded.failed_at,
    failures = CASE WHEN known.read_again_at IS NULL THEN known.failures + 1 ELSE 1 END,
    sync_type = excluded.sync_type,
    run_id = excluded.run_id,
    error_kind = excluded.error_kind,
    error = excluded.error,
    read_again_at = NULL;
