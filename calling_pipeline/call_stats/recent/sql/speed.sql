-- The newest read of a track (of `day`, unless that is null) and what was usual before it: the medians of up to `compared` reads
-- of the same track and mode that were begun earlier.
WITH newest AS (
    SELECT * FROM fetch_proofs
    WHERE track = :track AND (cast(:day AS date) IS NULL OR date = :day)
    ORDER BY fetch_number DESC
    LIMIT 1
),

earlier AS (
    SELECT proof.elapsed_s, proof.elapsed_s / greatest(proof.pages, 1) AS page_s
    FROM newest
    INNER JOIN fetch_proofs AS proof
        ON proof.track = newest.track AND proof.mode = newest.mode AND proof.fetch_number < newest.fetch_number
    ORDER BY proof.fetch_number DESC
    LIMIT :compared
),

usual AS (
    SELECT
        count(*) AS compared,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY page_s) AS usual_page_s,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY elapsed_s) AS usual_read_s
    FROM earlier
)

SELECT
    newest.track,
    newest.date,
    newest.mode,
    newest.finished_at,
    newest.pages,
    newest.elapsed_s / greatest(newest.pages, 1) AS page_s,
    newest.elapsed_s AS read_s,
    usual.compared,
    usual.usual_page_s,
    usual.usual_read_s
FROM newest
CROSS JOIN usual;
