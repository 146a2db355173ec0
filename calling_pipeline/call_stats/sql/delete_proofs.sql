-- Delete the fetch proofs of days before `first_kept`, and those of superseded reads begun before `superseded_before`.
-- The newest read of each day, track and mode stays, and so does every read whose numbers are published.
DELETE FROM fetch_proofs AS proof
WHERE
    proof.date < :first_kept
    OR (
        proof.started_at < :superseded_before
        AND EXISTS (
            SELECT FROM fetch_proofs AS newer
            WHERE
                newer.track = proof.track AND newer.date = proof.date AND newer.mode = proof.mode
                AND newer.fetch_number > proof.fetch_number
        )
        AND NOT EXISTS (
            SELECT FROM grade_stats_cache AS cached
            WHERE cached.fetch_number = proof.fetch_number
        )
        AND NOT EXISTS (
            SELECT FROM task_stats_cache AS cached
            WHERE cached.fetch_number = proof.fetch_number
        )
    );
