-- How many numbers each side called on the day or would have called, how many both did, and the day's batches here.
SELECT
    count(*) FILTER (WHERE side IN ('old', 'both')) AS old,
    count(*) FILTER (WHERE side IN ('new', 'both')) AS new,
    count(*) FILTER (WHERE side = 'both') AS same,
    (
        SELECT count(*)
        FROM call_batches
        WHERE day = :day
    ) AS batches
FROM compared;
