-- Of each track: seconds since its newest read ended, what that read took and brought, days that the gate holds, and days
-- whose newest attempt failed. The newest read is the last one of the newest day.
SELECT
    track.name AS track,
    extract(EPOCH FROM cast(:now AS timestamptz) - newest.finished_at)::float AS age_s,
    newest.elapsed_s,
    newest.rows_fetched,
    (
        SELECT count(*) FROM held_days
        WHERE state = 'open' AND held_days.track = track.name
    ) AS held,
    (
        SELECT count(*) FROM failed_reads
        WHERE read_again_at IS NULL AND failed_reads.track = track.name
    ) AS failed
FROM unnest(ARRAY['grade', 'task']) AS track (name)
LEFT JOIN
    LATERAL (
        SELECT finished_at, elapsed_s, rows_fetched
        FROM fetch_proofs
        WHERE fetch_proofs.track = track.name
        ORDER BY date DESC, fetch_number DESC
        LIMIT 1
    ) AS newest
    ON TRUE;
