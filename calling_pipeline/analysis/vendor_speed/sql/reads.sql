-- The reads of Guanke that began on the days from `first` to `last`, by track and mode: pages and what was read again.
SELECT
    track,
    mode,
    count(*) AS reads,
    cast(sum(pages) AS bigint) AS pages,
    cast(sum(rows_fetched) AS bigint) AS rows_fetched,
    cast(round(cast(sum(elapsed_s) / greatest(sum(pages), 1) AS numeric), 3) AS double precision) AS page_s,
    cast(sum(retries) AS bigint) AS retries,
    cast(sum(pages_read_again) AS bigint) AS pages_read_again
FROM fetch_proofs
WHERE started_at >= :since AND started_at < :until
GROUP BY track, mode
ORDER BY track, mode;
